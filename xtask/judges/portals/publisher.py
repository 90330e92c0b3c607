"""Paula offers an API: she imports it, looks at every page of it, deploys and publishes it."""

import time

from stage import BACKEND, HOSTILE, JUDGES


def make(paula, name, context):
    """An API from scratch, with the backend of the story."""
    paula.open("/publisher/apis/new/scratch")
    paula.fill("Name", name)
    paula.fill("Version", "1.0.0")
    paula.fill("Context", context)
    paula.fill("Endpoint", BACKEND)
    paula.press("Create API", "main")
    return paula.page.url.split("/publisher")[1]


def run(stage):
    paula = stage.person("paula")
    stage.paula = paula
    paula.sign_in()
    paula.open("/publisher/apis")
    paula.see("No APIs yet")
    paula.press("New API", "main .head")
    # A form with nothing in it says what is missing.
    paula.press("Import API", "main")
    paula.see("Choose a file")
    paula.page.set_input_files("input[name=file]", JUDGES / "echo.openapi.json")
    paula.fill("Name", "Echo")
    paula.fill("Version", "1.0.0")
    paula.fill("Context", "/echo")
    paula.fill("Endpoint", BACKEND)
    paula.press("Import API", "main")
    paula.see("Echo 1.0.0 was created")
    path = "/publisher" + paula.page.url.split("/publisher")[1]
    stage.echo = path
    for page in ("design", "resources", "scopes", "definition", "endpoints", "policies", "access", "documents", "certificates",
                 "test", "deploy", "lifecycle", "subscribers", "usage"):
        paula.open(f"{path}/{page}")

    paula.open(f"{path}/endpoints")
    paula.press(f"Test connection {BACKEND}", "main")
    paula.see("It answers:")

    paula.open(f"{path}/access")
    paula.page.get_by_label("Gold", exact=True).check()
    paula.page.get_by_label("Unlimited", exact=True).check()
    paula.press("Save plans and access")
    paula.see("were saved")

    paula.open(f"{path}/policies")
    paula.page.get_by_role("link", name="Add Header", exact=True).first.click()
    paula.look()
    paula.press("Attach Add Header")
    paula.see("Header Name is needed")
    paula.fill("Header Name", "X-Story")
    paula.fill("Header Value", "told")
    paula.press("Attach Add Header")
    paula.see("was attached")

    paula.open(f"{path}/documents")
    paula.press("Add document", "main .head")
    paula.fill("Name", "Begin here")
    paula.fill("Text", "# Hello\n\nCall `/echo/1`.\n\n" + "\n\n".join(HOSTILE))
    paula.press("Save document")
    paula.see("Begin here was saved")
    paula.press("Begin here", "main")

    hostile(paula, path)

    paula.open(f"{path}/deploy")
    paula.fill("What changed", "First")
    paula.press("Make revision")
    paula.see("is served now")
    paula.see("1 of 1 gateways")
    paula.look("publisher_deployed")
    paula.page.get_by_role("link", name="Restore Revision 1").click()
    paula.look()
    paula.press("Keep everything", "main")

    paula.open(f"{path}/test")
    paula.press("Make test key Echo 1.0.0", "main")
    paula.see("Your test key")
    paula.look("publisher_test_key")
    call(stage, paula)

    paula.open(path)
    paula.see("Ready to be published")
    paula.press("Publish Echo 1.0.0", "main")
    paula.see("is published now")
    paula.look("publisher_published")
    paula.open("/publisher/apis")
    paula.see("Published")
    begun = time.time()
    paula.page.goto(paula.page.url)
    stage.times["list of APIs"] = time.time() - begun

    paula.open_menu("Navigation", "navigation", 320)
    paula.open_menu("paula", "person", 1280)
    lose(paula)
    without_scripts(stage)


def call(stage, paula):
    """The API answers through the gateway, by the key of the page."""
    from stage import GATEWAY

    key = paula.page.locator(".shown-once pre").first.inner_text()
    answer = paula.context.request.get(f"{GATEWAY}/echo/1.0.0/echo/7", headers={"Internal-Key": key})
    if answer.status != 200 or answer.json().get("id") != "7":
        stage.fault(f"the test key gets {answer.status}: {answer.text()[:300]}")


def hostile(paula, path):
    """What hurts is typed into every field that takes free text; the pages that show it are looked at."""
    paula.open(f"{path}/design")
    paula.fill("Description", "An API that says what it is told. " + " ".join(HOSTILE))
    paula.fill("Tags", "echo, <b>bold</b>")
    for number, label in enumerate(["Business owner", "Business owner's mail", "Technical owner", "Technical owner's mail"]):
        paula.fill(label, HOSTILE[number])
    paula.press("Save design")
    for end in ("", "/design"):
        paula.open(path + end)
    for text in HOSTILE:
        paula.page.goto(paula.page.url.split("/publisher")[0] + "/publisher/apis?query=" + quote(text))
        paula.look("reflected")
        if paula.page.evaluate("window.stolen"):
            paula.stage.fault(f"reflected: {text}")


def quote(text):
    from urllib.parse import quote as escape

    return escape(text, safe="")


def without_scripts(stage):
    """What matters works in a browser that runs no scripts."""
    plain = stage.person("paula", scripts=False)
    plain.sign_in()
    make(plain, "Plain", "/plain")
    plain.see("Plain 1.0.0 was created")
    plain.press("Deployments", "nav.section")
    plain.press("Make revision", "main")
    plain.see("1 of 1 gateways")
    plain.press("Plans and access", "nav.section")
    plain.page.get_by_label("Unlimited", exact=True).check()
    plain.press("Save plans and access", "main")
    plain.press("Lifecycle", "nav.section")
    plain.press("Publish Plain 1.0.0", "main")
    plain.see("is published now")
    plain.context.close()


def lose(paula):
    """An API that nobody needs any more: the question names what is lost."""
    path = "/publisher" + make(paula, "Spare", "/spare")
    paula.press("Delete this API", "main")
    paula.see("This will be lost")
    paula.press("Delete Spare 1.0.0", "main")
    paula.see("Spare 1.0.0 was deleted")
    answer = paula.page.goto(paula.page.url.split("/publisher")[0] + path)
    if answer.status != 404:
        paula.stage.fault(f"{path} answers {answer.status} after it was deleted")
