#!/usr/bin/env python3
"""Goes through the web page in headless Chromium, as people would, and checks what they would meet.

    apt-get install chromium chromium-driver && pip install selenium
    Tests/Clients/page.py --apus .build/release/apus [--shots docs/page]

Starts a server of its own with the embedded model, or takes one that runs (--url). Prints a line for each check and ends
with status 1 if one failed.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from page_audit import audit  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
failures = []


def check(name, holds, detail=""):
    print(f"{'ok  ' if holds else 'FAIL'} {name}" + (f": {detail}" if detail and not holds else ""), flush=True)
    if not holds:
        failures.append(name)


class Browser:
    """Chromium with the few gestures that the checks are made of."""

    def __init__(self, url, shots, dark=False, width=1200, height=800):
        options = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # Given both paths, selenium asks the network for nothing.
        options.binary_location = shutil.which("chromium") or ""
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        self.url, self.shots = url, shots
        self.size(width, height)
        self.dark(dark)
        self.driver.get(url)
        self.wait(lambda: self.text("#model-name") == "reader", "the model's name")

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1.5 if width < 500 else 1, "mobile": False})

    def dark(self, on):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return [element for element in self.driver.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]

    def one(self, selector):
        found = self.all(selector)
        assert found, f"nothing visible matches {selector}"
        return found[0]

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def wait(self, condition, what, limit=60):
        try:
            WebDriverWait(self.driver, limit, poll_frequency=0.02).until(lambda _: condition())
        except Exception as error:
            raise AssertionError(f"waited in vain for {what}") from error

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def done(self):
        """Waits for the end of an answer."""
        self.wait(lambda: not self.all("#stop-button") and self.all(".answer .foot .tools"), "the end of the answer")

    def idle(self, limit=300):
        """Waits until the server has nothing to do."""
        self.wait(lambda: json.load(urllib.request.urlopen(self.url + "slots")) == [], "an idle server", limit)

    def answer(self):
        return self.js("return [...document.querySelectorAll('.answer .prose')].at(-1)?.textContent ?? ''")

    def ask(self, question):
        self.one("#question").send_keys(question, Keys.ENTER)

    def new(self):
        self.js("document.getElementById('new-button').click()")

    def set(self, **values):
        self.one("#settings-button").click()
        self.js("document.querySelector('#settings details').open = true")
        for name, value in values.items():
            field = self.one(f"#set-{name}")
            field.clear()
            field.send_keys(value, Keys.TAB)
        self.keys(Keys.ESCAPE)

    def shoot(self, name):
        if self.shots:
            time.sleep(0.3)
            self.driver.save_screenshot(str(self.shots / f"{name}.png"))

    def overflow(self):
        """The widest thing that sticks out of the window, or nothing."""
        return self.js("""
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth > width) return 'the page';
          for (const box of document.querySelectorAll('.scroller, .engine, .sheet'))
            if (box.scrollWidth > box.clientWidth + 1) return box.className;
          return '';""")

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def first_answer(browser):
    check("an empty page offers examples", len(browser.all(".example")) >= 2)
    audit(browser, check, "empty page")
    browser.shoot("start")
    browser.one(".example").click()
    browser.done()
    check("an example is answered", browser.answer() == "The Marigold carried oranges.", browser.answer())
    stats = browser.text(".answer .stats")
    check("times stand under the answer", "tokens/s" in stats and "first after" in stats, stats)
    check("the answer is said to screen readers", "Marigold carried oranges" in browser.text("#status"))
    check("focus is in the question", browser.js("return document.activeElement.id") == "question")
    browser.ask("When did the Kestrel arrive?")
    browser.wait(lambda: len(browser.all(".answer")) == 2, "a second answer")
    browser.done()
    check("the conversation goes on", browser.answer() == "The Kestrel arrived on Friday.", browser.answer())


def regenerate_and_edit(browser):
    browser.one(".answer .tools button[title]").click()
    browser.done()
    check("an answer is made anew", browser.answer() == "The Kestrel arrived on Friday.", browser.answer())
    check("temperature 0 is explained", "temperature 0" in browser.text(".answer:last-of-type .notice").lower()
          or "At temperature 0" in browser.js("return document.querySelector('#log').textContent"))
    browser.js("document.querySelectorAll('.question .tools button')[1].click()")
    area = browser.one(".editor textarea")
    area.clear()
    area.send_keys("At which pier did the Tempest lie?", Keys.ENTER)
    browser.wait(lambda: "pier" in browser.answer(), "the answer to the edited question")
    browser.done()
    check("a question is edited and sent again", browser.answer() == "The Tempest lay at pier 12.", browser.answer())
    check("what followed it is gone", len(browser.all(".question")) == 2)


def dropped_document(browser):
    browser.new()
    text = (ROOT / "Examples/survey.txt").read_text()
    browser.js("""
      const transfer = new DataTransfer();
      transfer.items.add(new File([arguments[0]], 'survey.txt', { type: 'text/plain' }));
      transfer.items.add(new File([new Uint8Array([0, 1, 2])], 'picture.png'));
      for (const type of ['dragenter', 'dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      """, text)
    browser.wait(lambda: "tokens" in browser.text("#documents .size"), "the document's length")
    check("a dropped document has a length", int(browser.text("#documents .size").split()[0].replace(",", "")) > 2000)
    check("what is no text is refused in words", "not a text file" in browser.text("#documents .failed"))
    check("the context is told", "of 32,768 tokens" in browser.text("#context"), browser.text("#context"))
    browser.shoot("document")
    browser.one("#documents .failed button").click()
    seen = browser.js("""
      window.seen = []; new MutationObserver(() => {
        const text = document.querySelector('.reading')?.textContent;
        if (text) window.seen.push(text);
      }).observe(document.getElementById('log'), { subtree: true, childList: true, characterData: true });""")
    browser.ask("What pet does Esther Marsh have?")
    browser.done()
    check("a dropped document is asked about", browser.answer() == "Esther Marsh keeps a donkey.", browser.answer())
    seen = browser.js("return window.seen")
    check("reading shows its progress", any("Reading" in text for text in seen), str(seen[:3]))
    browser.ask("Who is the mayor of the town where Agnes Reed lives?")
    browser.wait(lambda: len(browser.all(".answer")) == 2, "a second answer")
    browser.done()
    check("and asked about again", browser.answer() == "Agnes Reed lives in Selwick. The mayor of Selwick is Hugh Marlow.", browser.answer())
    browser.size(1200, 620)
    browser.shoot("answer")
    browser.size(1200, 800)
    audit(browser, check, "answered page")


def stop(browser):
    browser.new()
    browser.set(temperature="2", max_tokens="4000", seed="7")
    # The reader's answers are short.
    browser.js("""window.plainFetch = window.fetch;
      window.fetch = (path, options) => window.plainFetch(path, options?.body
        ? { ...options, body: JSON.stringify({ ...JSON.parse(options.body), ignore_eos: true }) } : options)""")
    browser.ask("Hello")
    browser.wait(lambda: len(browser.answer()) > 20, "some text")
    browser.keys(Keys.ESCAPE)
    browser.done()
    check("Esc stops an answer", "Stopped." in browser.text(".answer .notice"), browser.text(".answer .foot"))
    # It would go on for thousands of tokens.
    browser.idle(limit=10)
    check("the server stops too", True)
    browser.js("window.fetch = window.plainFetch")
    browser.set(temperature="0", max_tokens="1024", seed="")
    browser.one("#settings-button").click()
    browser.shoot("settings")
    browser.js("document.querySelector('#settings details').open = true")
    audit(browser, check, "settings")
    browser.keys(Keys.ESCAPE)


HOSTILE = """<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>
[click](javascript:window.pwned=1) [data](data:text/html,x) [good](https://example.com/a?b=1)

# A heading

| name | cargo |
|---|---:|
| **Marigold** | `oranges` |

1. one
   - nested <b>bold</b>
2. two

```html
<script>window.pwned=1</script>
```"""


def hostile_text(browser):
    conversation = {"format": "apus-conversations", "version": 1, "conversations": [{
        "id": "hostile", "title": "<b>Hostile</b>", "updated": time.time() * 1000 + 1e6, "messages": [
            {"role": "user", "content": "<script>window.pwned=1</script>", "documents": [
                {"name": "<img src=x onerror=window.pwned=1>", "text": "<b>x</b>"}]},
            {"role": "assistant", "content": HOSTILE}]}]}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(conversation, file)
        file.flush()
        browser.driver.find_element(By.ID, "import-file").send_keys(file.name)
        browser.wait(lambda: "1 conversation added" in browser.text("#history-note"), "the import")
    browser.one(".conversation").click()
    browser.wait(lambda: browser.all(".prose table"), "the imported answer")
    time.sleep(0.3)
    check("nothing in it ran", browser.js("return window.pwned") is None)
    check("markup stays text", '<img src=x onerror="window.pwned=1">' in browser.answer())
    check("no element came of it", browser.js("return document.querySelectorAll('#log img, #log script, #log b').length") == 0)
    links = browser.js("return [...document.querySelectorAll('.prose a')].map(a => [a.href, a.rel])")
    check("only addresses of the web are links", [link[0] for link in links] == ["https://example.com/a?b=1"], str(links))
    check("links do not tell where they come from", all("noopener" in link[1] for link in links))
    check("Markdown is drawn", browser.js("""return ['h3', 'table', 'ol ul', '.code pre', 'strong', 'td code']
      .every(s => document.querySelector('.prose ' + s))"""))
    browser.shoot("markdown")
    audit(browser, check, "Markdown")
    browser.js("document.querySelector('.history li.current .icon-button').click()")
    browser.one("#confirm .danger").click()
    browser.wait(lambda: "Hostile" not in browser.text("#history"), "the deletion")
    check("a conversation is deleted", browser.js("return localStorage.getItem('apus.conversation.hostile')") is None)


def errors(browser):
    browser.new()
    browser.set(kv_policy="nonsense")
    browser.ask("Hello")
    browser.done()
    check("a wrong setting is named", "apus.kv_policy" in browser.text(".answer .error"), browser.text(".answer .error"))
    browser.set(kv_policy="")
    browser.one(".answer .tools button[title]").click()
    browser.wait(lambda: "reader" in browser.answer(), "an answer")
    browser.done()
    check("and can be tried again", not browser.all(".answer .error"))
    browser.new()
    browser.js("""document.getElementById('question').value = 'word '.repeat(40000);
      document.getElementById('composer').requestSubmit()""")
    browser.done()
    check("too long a text is explained", "too long" in browser.text(".answer .error"), browser.text(".answer .error"))


def engine(browser):
    browser.one("#engine-link").click()
    browser.wait(lambda: browser.text(".tile .value") not in ("", "–"), "figures")
    # Requests of different clients, so that there is something to see.
    text = (ROOT / "Examples/survey.txt").read_text()
    for number in range(16):
        body = {"stream": False, "max_tokens": 500, "temperature": 1.5, "seed": number, "ignore_eos": True,
                # Half of them begin alike.
                "messages": [{"role": "user", "content": f"{number % 2 * number} {text}\n\nWhat is word {number}?"}]}
        subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-H", "content-type: application/json", "-d", json.dumps(body),
                          browser.url + "v1/chat/completions"])
        time.sleep(0.4)
    browser.wait(lambda: int(browser.js("return document.querySelectorAll('.tile .value')[2].textContent")) > 0, "running requests")
    browser.size(1280, 1420)
    time.sleep(1.2)
    browser.shoot("engine")
    browser.size(1200, 800)
    values = browser.js("return [...document.querySelectorAll('.tile .value')].map(e => e.textContent)")
    check("tokens per second are shown", any(c.isdigit() for c in values[0]), str(values))
    check("medians are shown", values[4] != "–" and values[5] != "–", str(values))
    check("steps are drawn", browser.js("return document.querySelectorAll('.chart g rect').length") > 10)
    check("charts say what they show", browser.js(
        "return [...document.querySelectorAll('.chart')].every(c => c.getAttribute('aria-label').length > 10)"))
    for summary in browser.all(".figures summary"):
        summary.click()
    browser.wait(lambda: all(browser.js("return [...document.querySelectorAll('.figures tbody')].map(b => b.rows.length)")), "tables")
    check("each chart has its table", True)
    audit(browser, check, "engine")
    for summary in browser.all(".figures summary"):
        summary.click()
    browser.idle()


def keyboard(browser):
    browser.driver.get(browser.url)
    browser.wait(lambda: browser.all(".example"), "the page")
    browser.js("document.activeElement.blur()")
    browser.keys(Keys.TAB)
    check("the first stop is the skip link", browser.js("return document.activeElement.className") == "skip")
    browser.keys(Keys.ENTER)
    names, hidden = [], []
    for _ in range(6):
        browser.keys(Keys.TAB)
        element = browser.driver.switch_to.active_element
        names.append(element.accessible_name)
        if browser.js("""const s = getComputedStyle(arguments[0]), e = arguments[0].closest('.entry');
            return s.outlineStyle === 'none' && !(e && getComputedStyle(e).boxShadow.includes('1px'))""", element):
            hidden.append(element.accessible_name)
    check("Tab goes from the examples to the question", "Message" in names, str(names))
    check("focus is visible everywhere", not hidden, str(hidden))
    browser.js("document.querySelector('.example').focus()")
    browser.keys(Keys.ENTER)
    browser.done()
    check("an example is asked by Enter", "oranges" in browser.answer())
    ActionChains(browser.driver).send_keys("a line").key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).send_keys("another").perform()
    check("Shift+Enter begins a line", browser.js("return document.getElementById('question').value") == "a line\nanother")


def small(browser):
    for width in (360, 320):
        browser.size(width, 740)
        for view, selector in (("", ".example, .answer"), ("#engine", ".tile")):
            browser.driver.get("about:blank")
            browser.driver.get(browser.url + view)
            browser.wait(lambda: browser.all(selector), "the page")
            time.sleep(1.2 if view else 0.2)
            check(f"{view or 'start'} fits {width} px", browser.overflow() == "", browser.overflow())
            if width == 360:
                browser.shoot("small" + view.replace("#", "-"))
                audit(browser, check, f"{width} px {view}")
    browser.size(360, 740)
    browser.driver.get(browser.url + "#chat")
    browser.wait(lambda: browser.all("#drawer-button"), "the page")
    browser.one("#drawer-button").click()
    browser.wait(lambda: browser.all("#new-button"), "the list")
    time.sleep(0.3)
    browser.shoot("small-list")
    browser.keys(Keys.ESCAPE)
    browser.wait(lambda: not browser.all("#new-button"), "the list to go")
    check("the list opens and closes", browser.js("return document.activeElement.id") == "drawer-button")
    browser.js("document.querySelector('.conversation')?.click()")
    browser.wait(lambda: browser.all(".answer"), "a conversation")
    check("a conversation fits 360 px", browser.overflow() == "", browser.overflow())
    browser.shoot("small-answer")


def dark(browser):
    browser.size(1200, 800)
    browser.dark(True)
    browser.driver.get("about:blank")
    browser.driver.get(browser.url)
    browser.wait(lambda: browser.all(".example"), "the page")
    background = "return getComputedStyle(document.body).backgroundColor"
    by_system = browser.js(background)
    audit(browser, check, "dark")
    browser.js("document.querySelector('.conversation')?.click()")
    browser.wait(lambda: browser.all(".answer"), "a conversation")
    browser.shoot("dark")
    browser.one("#engine-link").click()
    browser.wait(lambda: browser.all(".chart"), "charts")
    time.sleep(1.2)
    audit(browser, check, "dark engine")
    browser.shoot("dark-engine")
    browser.one("#theme-button").click()
    check("the switch overrides the system", browser.js(background) != by_system)
    browser.driver.refresh()
    check("and is remembered", browser.js(background) != by_system)
    browser.one("#theme-button").click()
    check("both ways", browser.js(background) == by_system)


def locked(browser):
    browser.driver.get("about:blank")
    browser.driver.get(browser.url)
    browser.wait(lambda: "API key" in browser.text("#model-name"), "the request for a key")
    check("the page says that a key is needed", "API key" in browser.text("#start-note"))
    browser.one(".example").click()
    browser.done()
    check("so does an answer", "API key" in browser.text(".answer .error"))
    browser.one(".answer .error button").click()
    check("a button leads to the field", browser.js("return document.activeElement.id") == "set-key")
    browser.keys("secret", Keys.TAB, Keys.ESCAPE)
    browser.wait(lambda: browser.text("#model-name") == "reader", "the model's name")
    browser.one(".answer .tools button[title]").click()
    browser.wait(lambda: "oranges" in browser.answer(), "the answer")
    browser.done()
    check("the key stays in this window", browser.js(
        "return sessionStorage.getItem('apus.key') === 'secret' && !JSON.stringify(localStorage).includes('secret')"))


def wait_for(url):
    """Returns when the model is loaded."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url + "health"):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apus", default=str(ROOT / ".build/release/apus"), help="the program, to start a server with")
    parser.add_argument("--url", help="a server that runs, in place of that")
    parser.add_argument("--port", type=int, default=8473)
    parser.add_argument("--shots", type=pathlib.Path, help="a folder for screenshots")
    parser.add_argument("--only", help="names of checks, with commas between")
    options = parser.parse_args()
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    processes = []

    def serve(*flags):
        port = options.port + len(processes)
        processes.append(subprocess.Popen([options.apus, "serve", "--port", str(port), *flags],
                                          stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        return f"http://127.0.0.1:{port}/"

    url = options.url.rstrip("/") + "/" if options.url else serve()
    wait_for(url)
    browser = None
    try:
        browser = Browser(url, options.shots)
        steps = [first_answer, regenerate_and_edit, dropped_document, stop, hostile_text, errors, engine, keyboard, small, dark]
        if not options.url:
            steps.append(locked)
        wanted = options.only.split(",") if options.only else [step.__name__ for step in steps]
        for step in steps:
            if step.__name__ not in wanted:
                continue
            print(f"-- {step.__name__}", flush=True)
            try:
                if step is locked:
                    browser.url = serve("--api-key", "secret")
                    wait_for(browser.url)
                step(browser)
            except Exception as error:  # a check that cannot go on is a failed one
                check(step.__name__, False, f"{type(error).__name__}: {str(error).splitlines()[0]}")
                browser.shoot(f"failed-{step.__name__}")
        # Refused requests are part of the checks; the browser reports their status.
        messages = [message for message in browser.console() if "status of 4" not in message]
        check("the console is empty", not messages, str(messages[:3]))
    finally:
        if browser:
            browser.driver.quit()
        for process in processes:
            process.terminate()
            process.wait()
    print(f"{len(failures)} failed" if failures else "all passed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
