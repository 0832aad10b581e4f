#!/usr/bin/env python3
"""What people do on the page of a running greffier, in headless Chromium: stories that fail where the page does.

    scripts/test_page                       sets all of it up and runs this
    GREFFIER_ADDRESS=http://127.0.0.1:8080 page_stories.py AXE [PICTURES]

AXE is axe-core's axe.min.js: each view is held to its rules, and a serious finding fails. The library is that of the sample
meetings, and the caller may manage it. PICTURES, a folder, gets a picture of each view.
"""

import json
import os
import pathlib
import shutil
import sys
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "datasets/sample"
RELEASE = "2026-03-05-release-planning"
VIEWS = {"library": "#/", "meeting": f"#/meetings/{RELEASE}", "actions": "#/actions", "prepare": "#/prepare", "add": "#/add"}


class Page:
    """A browser on the page, and what the stories ask of it."""

    def __init__(self, address: str, axe: str, pictures: pathlib.Path | None) -> None:
        options = webdriver.ChromeOptions()
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900", "--lang=en"]:
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": "en"})
        options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
        options.binary_location = shutil.which("chromium")
        self.browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        self.address, self.axe, self.pictures = address, axe, pictures

    def open(self, view: str) -> None:
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}/{view}")
        self.first("main h1")

    def all(self, selector: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def first(self, selector: str, text: str = ""):
        """The first such element that is shown and holds `text`, as soon as there is one."""

        def found(_):
            shown = (one for one in self.all(selector) if one.is_displayed() and text in one.text)
            return next(shown, False)

        return self.until(found, f"no `{selector}` with `{text}`")

    def until(self, condition, otherwise: str, seconds: float = 20):
        ignored = (Exception,)
        return WebDriverWait(self.browser, seconds, 0.05, ignored).until(condition, otherwise)

    def click(self, selector: str, text: str = "") -> None:
        element = self.first(selector, text)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def picture(self, name: str) -> None:
        if self.pictures:
            self.browser.save_screenshot(str(self.pictures / f"{name}.png"))

    def check_accessibility(self, name: str) -> None:
        self.browser.execute_script(self.axe)
        run = "axe.run(document, {resultTypes: ['violations']}).then(arguments[arguments.length - 1])"
        found = self.browser.execute_async_script(run)["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        told = [f"{one['id']}: {node['html'][:120]}" for one in serious for node in one["nodes"][:3]]
        assert not serious, f"{name}: " + "; ".join(told)


def search_leads_to_the_place(page: Page) -> None:
    page.open("#/")
    page.first(".meeting-card")
    page.first("input[type=search]").send_keys("password reset")
    hit = page.first(".hits a")
    assert page.all(".hits mark"), "nothing is marked"
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


def a_statement_leads_to_its_evidence(page: Page) -> None:
    page.open(VIEWS["meeting"])
    statements = page.all("button.statement")
    assert len(statements) > 3, "hardly any minutes"
    page.click("button.statement")
    proof = page.first(".utterance.proof")
    assert proof.get_attribute("id") == page.browser.switch_to.active_element.get_attribute("id")
    assert "100" in page.first("p.faint.small", "proven").text


def a_speaker_is_named_everywhere(page: Page) -> None:
    page.open(VIEWS["meeting"])
    page.click("summary", "Speakers")
    name = page.first("details form input")
    before = name.get_attribute("value")
    for new in ("Alix Martin-Dupont", before):
        name = page.first("details form input")
        name.clear()
        name.send_keys(new)
        page.click("details form button", "Save")
        page.until(lambda _: any(new == one.text for one in page.all(".utterance header strong")), f"nobody is named {new}")
        if not page.first("details").get_attribute("open"):
            page.click("summary", "Speakers")


def a_word_is_corrected(page: Page) -> None:
    page.open(VIEWS["meeting"])
    line = page.first(".utterance")
    edit = line.find_element(By.CSS_SELECTOR, ".edit")
    page.browser.execute_script("arguments[0].focus()", edit)
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
    assert all(card.find_elements(By.CSS_SELECTOR, ".reasons .badge") for card in page.all(".board article"))


def an_upload_becomes_a_meeting(page: Page) -> None:
    page.open("#/add")
    path = pathlib.Path("/tmp") / f"page-story-{time.time_ns()}.vtt"
    path.write_text(
        "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>We decided to move the archive to the new server.\n\n"
        "00:06.000 --> 00:10.000\n<v Ben>I will order the disks by Friday.\n"
    )
    try:
        page.all("#files")[0].send_keys(str(path))
        page.click("main li a", "Open")
        page.first(".utterance p", "order the disks")
        page.click("button", "Delete")
        page.browser.switch_to.alert.accept()
        page.first("#notice p", "Deleted")
        page.until(lambda _: page.browser.current_url.endswith("#/"), "the library is not shown")
    finally:
        path.unlink()


def the_sound_is_followed(page: Page) -> None:
    page.open(VIEWS["meeting"])
    page.browser.execute_script("document.querySelector('audio').muted = true")
    line = page.all(".utterance")[3]
    page.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", line)
    line.find_element(By.CSS_SELECTOR, "header button").click()
    page.first(".utterance.now")


def all_of_it_in_french(page: Page) -> None:
    page.open("#/")
    page.click("header button", "Français")
    page.first("h1", "Bibliothèque")
    assert page.browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "fr"
    for view in VIEWS.values():
        page.open(view)
        assert "undefined" not in page.first("body").text, view
    page.click("header button", "English")
    page.first("nav a", "Library")


def by_keyboard_alone(page: Page) -> None:
    page.open("#/")
    page.first(".meeting-card")
    body = page.first("body")
    body.send_keys("/")
    search = page.browser.switch_to.active_element
    assert search.get_attribute("type") == "search"
    search.send_keys("security")
    page.first(".hits a")
    for _ in range(30):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        if page.browser.switch_to.active_element.find_elements(By.XPATH, "ancestor::ul[@class='hits']"):
            break
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    page.first(".utterance")


def on_a_phone(page: Page) -> None:
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        for name, view in VIEWS.items():
            page.open(view)
            wide = page.browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{name} is {wide} pixels too wide"
            page.picture(f"phone-{name}")
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def everybody_can_use_it(page: Page) -> None:
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for name, view in VIEWS.items():
            page.open(view)
            page.until(lambda _: "Loading" not in page.first("main").text, f"{name} does not load")
            page.check_accessibility(f"{name}, {scheme}")
            page.picture(f"{scheme}-{name}")


STORIES = [
    search_leads_to_the_place,
    filters_and_counts_agree,
    a_statement_leads_to_its_evidence,
    the_sound_is_followed,
    an_action_is_done,
    an_invitation_recalls_what_matters,
    an_upload_becomes_a_meeting,
    all_of_it_in_french,
    by_keyboard_alone,
    on_a_phone,
    everybody_can_use_it,
    a_speaker_is_named_everywhere,
    a_word_is_corrected,
]


def main() -> int:
    address, axe = os.environ["GREFFIER_ADDRESS"].rstrip("/"), pathlib.Path(sys.argv[1]).read_text()
    pictures = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    page = Page(address, axe, pictures)
    failed = 0
    for story in STORIES:
        name = story.__name__.replace("_", " ")
        begin = time.monotonic()
        try:
            story(page)
            errors = [entry["message"] for entry in page.browser.get_log("browser")]
            assert not errors, errors
            print(f"ok   {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Exception as error:  # whatever went wrong in one story, the others are told too
            failed += 1
            page.picture(f"failed-{story.__name__}")
            print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
    page.browser.quit()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
