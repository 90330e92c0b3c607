"""What the scripts of the consoles share: people with a browser each, and the look at every page they open."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import struct
import subprocess
import time

BASE = os.environ["PORTCULLIS_BASE"]
GATEWAY = os.environ["PORTCULLIS_GATEWAY"]
BACKEND = os.environ["PORTCULLIS_BACKEND"]
PASSWORD = os.environ["PORTCULLIS_PASSWORD"]
JUDGES = pathlib.Path(os.environ["PORTCULLIS_JUDGES"])
SCREENSHOTS = pathlib.Path(os.environ["PORTCULLIS_SCREENSHOTS"])
MODULES = pathlib.Path(os.environ["PORTCULLIS_MODULES"])

# The policies that answers may have, to the letter.
PLAIN = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CONSOLE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SIZES = {"320": (320, 720), "768": (768, 1024), "1280": (1280, 900)}

# Stored and reflected: typed into every field of the story that takes free text.
HOSTILE = [
    "<script>window.stolen=1</script>",
    "\"><img src=x onerror=window.stolen=1>",
    "'><svg onload=window.stolen=1>",
    "javascript:window.stolen=1",
    "</textarea><script>window.stolen=1</script>",
    "{{constructor.constructor('window.stolen=1')()}}",
    "<a href=\"javascript:window.stolen=1\">x</a>",
    "[x](javascript:window.stolen=1)",
    "<iframe srcdoc=\"<script>parent.stolen=1</script>\"></iframe>",
    "\u202egnp.exe\u200b",
]


class Stage:
    def __init__(self, browser):
        self.browser = browser
        self.axe = (MODULES / "axe-core/axe.min.js").read_text()
        self.faults = []
        self.html = {}
        self.looked = set()
        self.times = {}
        self.weights = {}

    def fault(self, text):
        print("FAULT:", text, flush=True)
        self.faults.append(text)

    def person(self, name, scripts=True):
        return Person(self, name, scripts)

    def validate(self):
        """html-validate over every page that was opened."""
        folder = pathlib.Path("html")
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, html in self.html.items():
            (folder / f"{name}.html").write_text(html)
        rules = {"extends": ["html-validate:standard"], "root": True, "rules": {
            "no-trailing-whitespace": "off", "long-title": "off", "no-inline-style": "error",
            # autocomplete="off" keeps what is typed about an API out of the browser's own lists
            "valid-autocomplete": "off"}}
        (folder / ".htmlvalidate.json").write_text(json.dumps(rules))
        command = ["node", str(MODULES / "html-validate/bin/html-validate.mjs"), "--formatter", "json", "html/*.html"]
        done = subprocess.run(command, capture_output=True, text=True)
        try:
            results = json.loads(done.stdout or "[]")
        except ValueError:
            return self.fault(f"html-validate: {done.stdout[:500]} {done.stderr[:1500]}")
        if done.returncode not in (0, 1):
            self.fault(f"html-validate: {done.stderr[:1500]}")
        for result in results:
            for message in result.get("messages", []):
                if message.get("severity", 2) >= 2:
                    place = f"{pathlib.Path(result['filePath']).name}:{message['line']}"
                    self.fault(f"html-validate {place} {message['ruleId']}: {message['message']}")
        print(f"html-validate: {len(self.html)} pages", flush=True)
        self._nu()

    def _nu(self):
        """The Nu Html Checker over the same pages."""
        jar = MODULES / "vnu-jar/build/dist/vnu.jar"
        command = ["java", "-jar", str(jar), "--format", "json", "--errors-only", "--skip-non-html", "html"]
        done = subprocess.run(command, capture_output=True, text=True)
        try:
            messages = json.loads(done.stderr)["messages"]
        except (ValueError, KeyError):
            return self.fault(f"vnu: {done.stdout[:500]} {done.stderr[:1500]}")
        for message in messages:
            text = message.get("message", "")
            # A form gives back what was typed, also when that is no address.
            if "for attribute “value” on element “input”" in text:
                continue
            page = pathlib.Path(message.get("url", "")).name
            self.fault(f"vnu {page}:{message.get('lastLine')} {text}")
        print(f"vnu: {len(self.html)} pages", flush=True)


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, stage, name, scripts):
        self.stage = stage
        self.name = name
        self.secret = None
        self.scripts = scripts
        self.context = stage.browser.new_context(
            ignore_https_errors=True, viewport={"width": 1280, "height": 900}, java_script_enabled=scripts
        )
        self.context.set_default_timeout(15000)
        self.page = self.context.new_page()
        self.context.on("request", self._asked)
        self.context.on("response", self._answered)
        self.page.on("dialog", lambda dialog: (stage.fault(f"a dialog at {self.page.url}"), dialog.dismiss()))
        self.page.on("pageerror", lambda error: stage.fault(f"a script failed at {self.page.url}: {error}"))
        self.page.on("console", self._said)

    def _said(self, message):
        if message.type == "error" and "Content Security Policy" in message.text:
            self.stage.fault(f"the policy stopped something at {self.page.url}: {message.text}")

    def _asked(self, request):
        if not request.url.startswith((BASE + "/", "data:", "blob:", "about:")):
            self.stage.fault(f"{self.page.url} asked {request.url}")

    def _answered(self, response):
        if not response.headers.get("content-type", "").startswith("text/html"):
            return
        policy = response.headers.get("content-security-policy")
        if policy not in (PLAIN, CONSOLE):
            self.stage.fault(f"{response.url} has the policy {policy!r}")
        if response.status >= 500:
            self.stage.fault(f"{response.url} answered {response.status}")

    def open(self, path):
        """Opens a page and looks at it."""
        response = self.page.goto(path if path.startswith("https:") else BASE + path)
        if response.status >= 400:
            self.stage.fault(f"{self.name} at {path}: {response.status}")
        self.look()

    def press(self, name, within=None):
        """Presses a button or follows a link by its name, and looks at what comes."""
        place = self.page.locator(within) if within else self.page
        found = place.get_by_role("button", name=name, exact=True)
        if not found.count():
            found = place.get_by_role("link", name=name, exact=True)
        found.first.click()
        self.page.wait_for_load_state("load")
        self.look()

    def fill(self, label, text):
        self.page.get_by_label(label, exact=True).first.fill(text)

    def see(self, text):
        """Fails unless the page shows the text."""
        if text not in self.page.inner_text("body"):
            self.stage.fault(f"{self.name} does not see {text!r} at {self.page.url}: {self.page.inner_text('main')[:600]}")

    def look(self, name=None):
        """Judges the page as it is; takes pictures the first time that a page of this kind is seen."""
        page = self.page
        if not self.scripts:
            return
        if page.evaluate("window.stolen"):
            self.stage.fault(f"a hostile text ran at {page.url}")
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{40,}", "ID", page.url.removeprefix(BASE).split("?")[0])
        if path.startswith("/setup/"):
            path = "/setup/link"
        faulty = page.locator("main .summary").count() > 0
        key = name or (path.strip("/").replace("/", "_") or "home") + ("_faulty" if faulty else "")
        key = re.sub(r"[^A-Za-z0-9_.-]", "-", key)[:100]
        if key in self.stage.looked:
            return
        self.stage.looked.add(key)
        # Taking a screenshot leaves empty style attributes behind.
        html = page.evaluate("'<!doctype html>\\n' + document.documentElement.outerHTML")
        self.stage.html[key] = html.replace(' style=""', "")
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=SCREENSHOTS / f"{key}-{size}-{scheme}.png", full_page=True)
                if size != "768":
                    self._axe(f"{key} {size} {scheme}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                self.stage.fault(f"{key} is {wide} px wide at {width} px")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 900})

    def open_menu(self, button, name, width):
        """Opens what a button of the frame opens, looks at it, and closes it by the keyboard."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.get_by_role("button", name=button, exact=True).focus()
        self.page.keyboard.press("Enter")
        self.page.screenshot(path=SCREENSHOTS / f"{name}-{width}-light.png")
        self._axe(f"{name} {width}")
        if not self.page.locator("[popover]:popover-open").count():
            self.stage.fault(f"the button {button} opens nothing")
        self.page.keyboard.press("Escape")
        if self.page.locator("[popover]:popover-open").count():
            self.stage.fault(f"what the button {button} opened stays open")
        self.page.set_viewport_size({"width": 1280, "height": 900})

    def _axe(self, where):
        self.page.evaluate(self.stage.axe)
        options = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
                                                             "best-practice"]}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        for violation in found["violations"]:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            self.stage.fault(f"axe {where}: {violation['id']}: {nodes}")

    def sign_in(self):
        self.open("/signin")
        self.fill("User name", self.name)
        self.fill("Password", PASSWORD)
        self.press("Sign in")
        if self.page.url.endswith("/signin/second-factor"):
            self.page.get_by_text("It cannot scan? Type the key").click()
            self.secret = self.page.locator(".key").inner_text()
            self.fill("Code", totp(self.secret))
            self.press("Continue")
            self.press("I have stored them")


def totp(secret, at=None):
    """RFC 6238: six digits, 30 s, SHA-1."""
    key = secret.replace(" ", "").upper()
    key = base64.b32decode(key + "=" * (-len(key) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(at or time.time()) // 30), hashlib.sha1).digest()
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset:offset + 4])[0] & 0x7fffffff) % 1000000:06d}"
