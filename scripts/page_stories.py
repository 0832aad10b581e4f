#!/usr/bin/env python3
"""What people do on the page of a running greffier, in headless Chromium: stories that fail where the page does.

    scripts/test_page                       sets all of it up and runs this
    GREFFIER_ADDRESS=http://127.0.0.1:8080 page_stories.py AXE [--pictures FOLDER] [WORD…]

AXE is axe-core's axe.min.js: each view is held to its rules, and a serious finding fails. The library is that of the sample
meetings, and the caller may manage it. FOLDER gets a picture of each view. With words, only the stories run whose names have
one of them.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from long_meeting import three_hours
from page_browser import Page

SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "datasets/sample"
RELEASE = "2026-03-05-release-planning"
# Each view, and what people come there to do: the keyboard must lead to it.
VIEWS = {
    "library": ("#/", ".meeting-card a"),
    "meeting": (f"#/meetings/{RELEASE}", ".statement"),
    "live": ("#/live", "button.main"),
    "actions": ("#/actions", ".action.open input"),
    "prepare": ("#/prepare", "button.main"),
    "add": ("#/add", "#files"),
}
MEETING = VIEWS["meeting"][0]

# Answers in the server's place, where a story needs what the sample server does not do; `answer` gives nothing for the rest.
ANSWERING = """
const ask = window.fetch;
window.fetch = async (address, options) => (await answer(String(address), options?.method ?? 'GET')) || ask(address, options);
"""
SLOW_ACTIONS = (
    "const answer = (address) => address.startsWith('/v1/actions') && new Promise((go) => setTimeout(go, 700));" + ANSWERING
)
DUE_TODAY = (
    """const action = {id: 'a', meeting: 'm', meeting_title: 'M', text: 'Due today', status: 'open', evidence: [], can_mark: false};
    const answer = (address) => address.startsWith('/v1/actions?') &&
      Response.json({items: [{...action, due: new Date().toLocaleDateString('sv')}]});"""
    + ANSWERING
)
SEVENTY_HITS = (
    """const answer = (address) => {
      if (!address.startsWith('/v1/search?')) return;
      const asked = new URL(address, location).searchParams;
      const [offset, limit] = [Number(asked.get('offset')), Number(asked.get('limit'))];
      const hit = (_, place) => ({kind: 'passage', title: `Hit ${offset + place}`, snippet: {parts: []}, links: {}});
      const hits = Array.from({length: Math.min(limit, 70 - offset)}, hit);
      return Response.json({hits, total: 70, facets: {kinds: [], series: [{value: 'weekly', count: 70}], people: []}});
    };"""
    + ANSWERING
)
NO_MODEL = "const answer = (address) => address === '/v1/session' && Response.json({groups: [], speech_model: false});" + ANSWERING
# A server that hears one live meeting, and whose token can be lost.
LIVE_SERVER = (
    """Object.assign(window, {isOut: false, isRefused: false, heard: 0, sockets: []});
    const live = {id: 'x', title: 'Held', socket: '/v1/live/x/socket', state: 'listening'};
    const answer = (address, method) => {
      if (address === '/v1/session' && method === 'POST') isOut = false;
      if (isOut) return Response.json({type: 'urn:greffier:unauthorized'}, {status: 401});
      if (address === '/v1/session') return Response.json({person: 'ann@example.org', groups: [], speech_model: true});
      if (address === '/v1/live') return Response.json(method === 'POST' ? live : {items: []});
      if (address === '/v1/live/x') return isRefused ? Response.json({type: 'urn:greffier:not-found'}, {status: 404}) : Response.json(live);
    };
    window.WebSocket = class {
      static OPEN = 1;
      readyState = 0;
      constructor() {
        sockets.push(this);
        setTimeout(() => {
          this.readyState = 1;
          this.onmessage({data: JSON.stringify({event: 'hello', state: 'listening', accepted: heard})});
        }, 50);
      }
      send(frame) {
        heard = Number(new DataView(frame).getBigUint64(2, true)) + (frame.byteLength - 10) / 2;
      }
      end(code) {
        this.readyState = 3;
        this.onclose({code});
      }
    };"""
    + ANSWERING
)


def search_leads_to_the_place(page: Page) -> None:
    page.open("#/")
    page.first(".meeting-card")
    page.first("input[type=search]").send_keys("password reset")
    hit = page.first(".hits a")
    assert page.all(".hits mark"), "nothing is marked"
    page.check("what was found")
    hit.click()
    page.first(".utterance")
    page.first(".utterance.proof")


def filters_and_counts_agree(page: Page) -> None:
    page.open("#/")
    page.first("input[type=search]").send_keys("release")
    chip = page.first(".chips button")
    kind, count = chip.text.rsplit(" ", 1)
    chip.click()
    page.first(".chips button[aria-pressed=true]", kind)
    page.until(lambda _: len(page.all(".hits > li")) == min(int(count), 30), f"{kind} says {count}")


def all_that_was_found_can_be_shown(page: Page) -> None:
    with page.beginning_with(SEVENTY_HITS):
        page.open("#/")
        page.first("input[type=search]").send_keys("release")
        page.first("main [role=status]", "70 results")
        page.first(".filters option", "weekly")
        for shown in (30, 60):
            assert len(page.all(".hits > li")) == shown
            page.click("main button.main", "Show more")
            page.until(lambda _, shown=shown: page.focused().text.endswith(f"Hit {shown}"), "the first that is new is not read")
        assert len(page.all(".hits > li")) == 70
        assert not [one for one in page.all("main button.main") if one.is_displayed()], "there is nothing more"


def how_much_there_is_is_told_and_no_more(page: Page) -> None:
    for address, field in (("#/", "input[type=search]"), ("#/prepare", "textarea")):
        page.open(address)
        page.first(field).send_keys("release")
        if field == "textarea":
            page.click("button.main")
        page.first("main [role=status]", "result")
        page.first("main article")
        assert not page.all("[aria-live] article, [role=status] article"), f"{address}: all of the list is read out"


def the_skip_link_stays_in_the_view(page: Page) -> None:
    page.open(MEETING)
    page.first(".utterance")
    page.run("document.querySelector('.skip').focus()")
    page.focused().send_keys(Keys.ENTER)
    assert page.focused().get_attribute("id") == "view"
    assert page.browser.current_url.endswith(MEETING) and page.first("main .utterance")


def a_slow_view_does_not_come_back(page: Page) -> None:
    with page.beginning_with(SLOW_ACTIONS):
        page.open("#/prepare")
        page.run("location.hash = '#/actions'")
        page.run("setTimeout(() => (location.hash = '#/prepare'), 100)")
        time.sleep(1.5)
        assert page.first("main h1").text == "Prepare"
        assert page.browser.title.startswith("Prepare"), page.browser.title


def what_is_due_today_is_not_overdue(page: Page) -> None:
    for zone in ("Pacific/Honolulu", "Pacific/Kiritimati"):
        with page.at_place(zone), page.beginning_with(DUE_TODAY):
            page.open("#/actions")
            today = page.run("return new Date().toLocaleDateString('en', {dateStyle: 'medium'})")
            page.first(".action.open .faint", today)
            assert not page.all(".late"), f"overdue in {zone}"


def a_statement_leads_to_its_evidence(page: Page) -> None:
    page.open(MEETING)
    statements = page.all("button.statement")
    assert len(statements) > 3, "hardly any minutes"
    for place in (0, -1):
        statement = [one for one in statements if one.is_displayed()][place]
        page.hit(statement)
        proof = page.first(".utterance.proof")
        assert proof.get_attribute("id") == page.focused().get_attribute("id")
        assert page.sees(proof) and page.sees(statement), "the proof is not beside the statement"
    assert "100" in page.first("p.faint.small", "proven").text


def a_speaker_is_named_everywhere(page: Page) -> None:
    page.open(MEETING)
    page.click("summary", "Speakers")
    page.picture("speakers")
    page.check("speakers to name")
    name = page.first("details form input")
    before = name.get_attribute("value")
    for new in ("Alix Martin-Dupont", before):
        name = page.first("details form input")
        name.clear()
        name.send_keys(new)
        page.click("details form button", "Save")
        page.until(lambda _: any(new == one.text for one in page.all(".utterance strong")), f"nobody is named {new}")
        if not page.first("details").get_attribute("open"):
            page.click("summary", "Speakers")


def a_word_is_corrected(page: Page) -> None:
    page.open(MEETING)
    line = page.first(".utterance")
    edit = line.find_element(By.CSS_SELECTOR, ".edit")
    page.run("arguments[0].focus()", edit)
    edit.send_keys(Keys.ENTER)
    text = page.first(".utterance textarea")
    was = text.get_attribute("value")
    text.send_keys(Keys.CONTROL, Keys.END)
    text.send_keys(" And welcome.")
    page.click(".utterance button", "Save")
    page.first(".utterance p", f"{was} And welcome.")


def an_action_is_done(page: Page) -> None:
    page.open("#/actions")
    box = page.first(".action.open input")
    text = box.get_attribute("aria-label")
    box.click()
    label = json.dumps(text)
    page.first(f".action.done input[aria-label={label}]")
    page.open("#/actions")
    page.first(f".action.done input[aria-label={label}]").click()
    page.first(f".action.open input[aria-label={label}]")


def an_invitation_recalls_what_matters(page: Page) -> None:
    page.open("#/prepare")
    page.all("#invitation")[0].send_keys(str(SAMPLE / "2026-03-19-release-follow-up.ics"))
    page.first(".board article")
    page.first("main p strong", "follow-up")
    assert all(card.find_elements(By.CSS_SELECTOR, ".reasons .badge") for card in page.all(".board article"))
    for scheme, is_phone in (("light", False), ("dark", True)):
        with page.looks(scheme, is_phone):
            page.picture(f"recommended-{scheme}")
            page.check("what is recommended")


def an_upload_becomes_a_meeting(page: Page) -> None:
    page.open("#/add")
    transcript = (
        "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>We decided to move the archive to the new server.\n\n"
        "00:06.000 --> 00:10.000\n<v Ben>I will order the disks by Friday.\n"
    )
    # Files come from the desktop: a script can only drop what it made itself.
    page.run(
        """const data = new DataTransfer();
        data.items.add(new File([arguments[0]], arguments[1], {type: "text/vtt"}));
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true}));""",
        transcript,
        f"page-story-{time.time_ns()}.vtt",
    )
    page.click("main li:first-child a", "Open")
    page.first(".utterance p", "order the disks")
    delete_meeting(page)


def many_files_at_once_become_meetings(page: Page) -> None:
    page.open("#/add")
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / f"page-story-{place}.vtt" for place in range(9)]
        for path in paths:
            path.write_text(f"WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>We move archive {path.stem}.\n", encoding="utf-8")
        page.all("#files")[0].send_keys("\n".join(map(str, paths)))
        lines = lambda: [one for one in page.all(".jobs li") if "page-story-" in one.text and "Open" in one.text]
        page.until(lambda _: len(lines()) == len(paths), "not all became meetings", 60)
    streams = page.run("return performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/events')).length")
    assert streams == 0, "a job holds one of the six connections that a browser has"
    for link in [line.find_element(By.CSS_SELECTOR, "a").get_attribute("href") for line in lines()]:
        page.browser.get(link)
        page.first(".utterance")
        delete_meeting(page)


def a_recording_needs_a_model(page: Page) -> None:
    with page.beginning_with(NO_MODEL):
        page.open("#/add")
        page.first(".drop p", "greffier models pull")
        page.run(
            """const data = new DataTransfer();
            data.items.add(new File(['sound'], 'call.ogg', {type: 'audio/ogg'}));
            document.querySelector('.drop').dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true}));"""
        )
        page.first(".jobs li p", "greffier models pull")


def delete_meeting(page: Page) -> None:
    page.click("button", "Delete")
    page.browser.switch_to.alert.accept()
    page.first("#notice p", "Deleted")
    page.until(lambda _: page.browser.current_url.endswith("#/"), "the library is not shown")


def the_sound_is_followed(page: Page) -> None:
    page.open(MEETING)
    page.run("document.querySelector('audio').muted = true")
    heard = lambda: page.run("return document.querySelector('audio').currentTime")
    page.hit(page.all(".utterance > button:first-child")[3])
    page.first(".utterance.now")
    begun = heard()
    page.until(lambda _: heard() > begun + 0.5, "the sound does not play")
    topics = page.all(".timeline button")
    assert len(topics) > 1, "no topics"
    page.hit(topics[-1])
    page.until(lambda _: page.all(".timeline button")[-1].get_attribute("class") == "now", "the topic is not marked")
    page.until(lambda _: page.sees(page.first(".utterance.now")), "what is said is not in sight")


def who_spoke_how_long(page: Page) -> None:
    page.open(MEETING)
    shares = [int(one.text.rstrip("%")) for one in page.all(".bar span:last-child")]
    names = {one.text for one in page.all(".utterance strong")} - {""}
    assert len(shares) == len(names) and abs(sum(shares) - 100) <= len(shares), (shares, names)


def by_keyboard_alone(page: Page) -> None:
    page.open("#/")
    page.first(".meeting-card")
    page.first("body").send_keys("/")
    assert page.focused().get_attribute("type") == "search"
    page.focused().send_keys("security")
    page.first(".hits a")
    page.check_keyboard("what was found", ".hits a")
    page.focused().send_keys(Keys.ENTER)
    page.first(".utterance")


def everybody_can_use_it(page: Page) -> None:
    page.open("#/")
    page.click("header button", "Français")
    page.first("h1", "Bibliothèque")
    for language in ("fr", "en"):
        page.speak(language)
        for scheme, is_phone in ((scheme, is_phone) for scheme in ("light", "dark") for is_phone in (False, True)):
            with page.looks(scheme, is_phone):
                for view, (address, action) in VIEWS.items():
                    name = f"{view}-{language}-{scheme}{'-phone' if is_phone else ''}"
                    page.open(address)
                    page.first(f"main {'label' if view == 'add' else action}")
                    assert page.run("return document.documentElement.lang") == language
                    page.picture(name)
                    page.check(name)
                    page.check_keyboard(name, f"main {action}")


def a_long_meeting_is_seen_at_once(page: Page) -> str:
    page.open("#/add")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "2026-01-03-three-hours.vtt"
        path.write_text(three_hours(), encoding="utf-8")
        page.all("#files")[0].send_keys(str(path))
        page.first("main li:first-child a", "Open", 120).click()
    page.first(".utterance")
    address = page.browser.current_url
    times = [page.first_words(address) for _ in range(5)]
    page.until(lambda _: page.run("return document.querySelectorAll('.utterance').length") > 2000, "not all of it is there")
    page.hit([one for one in page.all("button.statement") if one.is_displayed()][-1])
    page.until(lambda _: page.sees(page.first(".utterance.proof")), "the proof is not in sight")
    with page.looks("light", is_phone=True):
        page.check_width("a long meeting on a phone")
    delete_meeting(page)
    median = statistics.median(times)
    assert median < 1000, f"first words after {median:.0f} ms: {times}"
    return f"first words of three hours after {median:.0f} ms; 5 times: {', '.join(f'{one:.0f}' for one in times)}"


def a_meeting_is_held_by_microphone(page: Page) -> str:
    page.open("#/live")
    page.first("form input").send_keys("Planning by microphone")
    page.click("button", "Start listening")
    begun = time.monotonic()
    page.first(".captions .utterance p", "calendar", 180)
    heard = time.monotonic() - begun
    page.first(".minutes .statement", seconds=120)
    page.first(".related article a", "Release planning", 120)
    cards = page.all(".related article")
    assert all(card.find_elements(By.CSS_SELECTOR, ".reasons .badge") for card in cards), "a card does not say why"
    page.click(".minutes .statement")
    page.first(".captions .proof")
    # Elsewhere on the page, and in the other language, the meeting goes on.
    page.click("nav a", "Library")
    page.first("h1", "Library")
    page.click("header button", "Français")
    page.click("nav a", "En direct")
    page.first("h2", "Compte rendu en cours")
    page.first(".captions .utterance p", "calendar")
    for scheme, is_phone in (("light", False), ("dark", True), ("dark", False), ("light", True)):
        with page.looks(scheme, is_phone):
            name = f"held-{scheme}{'-phone' if is_phone else ''}"
            page.picture(name)
            page.check(name)
    page.check_keyboard("a meeting that is held", ".player button")
    page.click("header button", "English")
    page.click("button", "Stop")
    page.until(lambda _: "#/meetings/" in page.browser.current_url, "the meeting is not shown", 240)
    page.first(".meeting-head h1", "Planning by microphone")
    page.first(".utterance p", "calendar")
    page.until(lambda _: page.run("return document.querySelector('audio').duration") > 5, "the recording is not there")
    delete_meeting(page)
    return f"first words after {heard:.0f} s"


def a_lost_token_loses_no_sound(page: Page) -> None:
    heard = lambda: page.run("return heard")
    with page.beginning_with(LIVE_SERVER):
        page.open("#/live")
        page.click("button", "Start listening")
        page.first(".player .badge", "listening")
        page.until(lambda _: heard() > 8000, "nothing is heard")
        page.run("isOut = true; sockets.at(-1).end(1008)")
        page.first("main p", "The microphone is still heard")
        page.check("signed out while recording")
        before = heard()
        time.sleep(1)
        page.first("input[type=password]").send_keys("token")
        page.click("button", "Sign in")
        page.first(".player .badge", "listening")
        page.until(lambda _: heard() > before + 16000, "what was said meanwhile does not come")
        page.run("isRefused = true; sockets.at(-1).end(1008)")
        page.first(".player .badge", "takes no more")
        count = page.run("return sockets.length")
        time.sleep(1.5)
        assert page.run("return sockets.length") == count, "it goes on asking"


STORIES = [
    search_leads_to_the_place,
    filters_and_counts_agree,
    all_that_was_found_can_be_shown,
    how_much_there_is_is_told_and_no_more,
    the_skip_link_stays_in_the_view,
    a_slow_view_does_not_come_back,
    a_statement_leads_to_its_evidence,
    the_sound_is_followed,
    who_spoke_how_long,
    an_action_is_done,
    what_is_due_today_is_not_overdue,
    an_invitation_recalls_what_matters,
    an_upload_becomes_a_meeting,
    many_files_at_once_become_meetings,
    a_recording_needs_a_model,
    by_keyboard_alone,
    a_speaker_is_named_everywhere,
    a_word_is_corrected,
    a_long_meeting_is_seen_at_once,
    everybody_can_use_it,
    a_meeting_is_held_by_microphone,
    a_lost_token_loses_no_sound,
]


def talk(folder: pathlib.Path) -> pathlib.Path:
    """What the microphone hears: half a minute in the middle of the sample meeting."""
    wav = folder / "talk.wav"
    tracks = SAMPLE / f"{RELEASE}-tracks.mka"
    mix = ["-filter_complex", "amix=inputs=4:normalize=0", "-ss", "57", "-t", "30", "-ac", "1", "-ar", "48000"]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", tracks, *mix, wav], check=True)
    return wav


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("axe", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("words", nargs="*")
    asked = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        address = os.environ["GREFFIER_ADDRESS"].rstrip("/")
        page = Page(address, asked.axe.read_text(), talk(pathlib.Path(folder)), asked.pictures)
        try:
            stories = [one for one in STORIES if not asked.words or any(word in one.__name__ for word in asked.words)]
            told = [tell(story, page) for story in stories]
            return 0 if told and all(told) else 1
        finally:
            page.browser.quit()


def tell(story, page: Page) -> bool:
    name = story.__name__.replace("_", " ")
    begin = time.monotonic()
    try:
        figures = story(page)
        errors = [entry["message"] for entry in page.browser.get_log("browser")]
        assert not errors, errors
        print(f"ok   {name} ({time.monotonic() - begin:.1f} s){f': {figures}' if figures else ''}", flush=True)
        return True
    except Exception as error:  # whatever went wrong in one story, the others are told too
        page.picture(f"failed-{story.__name__}")
        print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
        return False


if __name__ == "__main__":
    sys.exit(main())
