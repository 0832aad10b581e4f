"""A headless Chromium on the page of a running greffier, and what stories ask of it: to find, to click, to look, to hold a
view to the rules of accessibility."""

import pathlib
import shutil
from contextlib import contextmanager

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}

# What the finger or the pointer cannot hit though it is shown: each is brought into sight, and must be what lies there.
COVERED = """
const found = [];
for (const one of document.querySelectorAll('a[href], button, input, select, textarea, summary')) {
  if (one.disabled || one.closest('.visually-hidden, .skip') || !one.checkVisibility({visibilityProperty: true})) continue;
  one.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  const box = one.getBoundingClientRect();
  const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  if (!there || !(one.contains(there) || there.contains(one))) found.push(one.outerHTML.slice(0, 120));
}
scrollTo(0, 0);
return found;
"""
# When the first words of a transcript are painted, in milliseconds since the address was entered.
WATCH = """
new MutationObserver((_, watch) => {
  if (!document.querySelector('.utterance p')) return;
  watch.disconnect();
  requestAnimationFrame(() => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => (window.seenAfter = performance.now());
    painted.port2.postMessage(0);
  });
}).observe(document, {childList: true, subtree: true});
"""
IN_SIGHT = """
const box = arguments[0].getBoundingClientRect();
const there = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 12));
return !!there && (arguments[0].contains(there) || there.contains(arguments[0]));
"""


class Page:
    """A browser on the page. What its microphone hears is `sound`, a WAV file, once."""

    def __init__(self, address: str, axe: str, sound: pathlib.Path, pictures: pathlib.Path | None) -> None:
        options = webdriver.ChromeOptions()
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900", "--lang=en"]
        arguments += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        arguments += [f"--use-file-for-fake-audio-capture={sound}%noloop"]
        for argument in arguments:
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

    def run(self, script: str, *arguments):
        return self.browser.execute_script(script, *arguments)

    def all(self, selector: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def first(self, selector: str, text: str = "", seconds: float = 20):
        """The first such element that is shown and holds `text`, as soon as there is one."""

        def found(_):
            shown = (one for one in self.all(selector) if one.is_displayed() and text in one.text)
            return next(shown, False)

        return self.until(found, f"no `{selector}` with `{text}`", seconds)

    def until(self, condition, otherwise: str, seconds: float = 20):
        ignored = (Exception,)
        return WebDriverWait(self.browser, seconds, 0.05, ignored).until(condition, otherwise)

    def click(self, selector: str, text: str = "") -> None:
        self.hit(self.first(selector, text))

    def hit(self, element) -> None:
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def sees(self, element) -> bool:
        """Whether it is on the screen and nothing lies over it."""
        return self.run(IN_SIGHT, element)

    def first_words(self, address: str) -> float:
        """Milliseconds until the first words of a transcript are painted, with nothing in the browser's cache."""
        self.browser.get("about:blank")
        self.browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        watch = self.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        self.browser.get(address)
        seen = self.until(lambda _: self.run("return window.seenAfter"), "nothing is seen")
        self.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", watch)
        return seen

    def focused(self):
        return self.browser.switch_to.active_element

    def picture(self, name: str) -> None:
        if self.pictures:
            self.pictures.mkdir(parents=True, exist_ok=True)
            self.browser.save_screenshot(str(self.pictures / f"{name}.png"))

    def speak(self, language: str) -> None:
        """The page's words are `fr` or `en` from the next opening on."""
        self.run("localStorage.setItem('greffier-language', arguments[0])", language)

    @contextmanager
    def beginning_with(self, script: str):
        """What is opened meanwhile runs `script` before the page's own."""
        added = self.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)

    @contextmanager
    def at_place(self, zone: str):
        """A time zone, such as `Pacific/Honolulu`."""
        self.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})

    @contextmanager
    def looks(self, scheme: str, is_phone: bool):
        """`light` or `dark`, on a desk or on a phone."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        if is_phone:
            self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def check(self, name: str) -> None:
        """Everybody can use what is shown: axe finds nothing serious, nothing is too wide, all can be hit, all is said."""
        self.run(self.axe)
        rules = "{resultTypes: ['violations'], rules: {'target-size': {enabled: true}}}"
        # What stays in place while one scrolls lies over a part of something at any moment; axe would take the rest for all.
        self.run("document.querySelectorAll('.top, .player').forEach((bar) => (bar.style.position = 'static'))")
        found = self.browser.execute_async_script(f"axe.run(document, {rules}).then(arguments[arguments.length - 1])")
        self.run("document.querySelectorAll('.top, .player').forEach((bar) => bar.style.removeProperty('position'))")
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        told = [f"{one['id']}: {node['html'][:120]}" for one in serious for node in one["nodes"][:3]]
        assert not serious, f"{name}: " + "; ".join(told)
        self.check_width(name)
        covered = self.run(COVERED)
        assert not covered, f"{name}: something lies over {covered}"
        assert "undefined" not in self.first("body").text, name

    def check_width(self, name: str) -> None:
        wide = self.run("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"

    def check_keyboard(self, name: str, selector: str, steps: int = 80) -> None:
        """Tab leads from the top of the page to the first of `selector`."""
        self.run("document.activeElement.blur(); scrollTo(0, 0)")
        for _ in range(steps):
            ActionChains(self.browser, 0).send_keys(Keys.TAB).perform()
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
        raise AssertionError(f"{name}: no Tab leads to {selector}")
