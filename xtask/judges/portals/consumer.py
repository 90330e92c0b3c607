"""Carl uses the API: he finds it, subscribes, gets keys, calls it from its page, and says what he thinks."""

import os
import re
import subprocess

from stage import HOSTILE


def run(stage):
    visitor = stage.person("visitor")
    visitor.open("/devportal")
    visitor.see("Echo")
    visitor.open("/devportal/apis")
    visitor.press("Echo", "main")
    path = "/devportal" + visitor.page.url.split("/devportal")[1]
    for tail in ("/documents", "/try", "/subscriptions", "/versions", "/comments"):
        visitor.open(path + tail)
    visitor.open("/devportal/apis?query=nothing-has-this-name")
    visitor.see("No API matches")
    # A document's words find its API.
    visitor.open("/devportal/apis?query=begin+here")
    visitor.see("Echo")
    visitor.open(path + "/documents")
    visitor.press("Begin here", "main")
    visitor.see("Hello")

    carl = stage.person("carl")
    stage.carl = carl
    carl.sign_in()
    carl.open("/devportal/applications")
    carl.see("DefaultApplication")
    carl.press("Create an application", "main .head")
    carl.fill("Name", HOSTILE[0])
    carl.press("Create the application", "main")
    carl.see("One thing needs a change")
    carl.fill("Name", "Shop")
    carl.fill("Description", " ".join(HOSTILE))
    carl.press("Create the application", "main")
    carl.see("Shop was created.")
    application = "/devportal" + carl.page.url.split("/devportal")[1]
    for tail in ("/edit", "/delete", "/keys/production", "/keys/sandbox", "/api-keys", "/subscriptions", "/usage"):
        carl.open(application + tail)

    carl.open(path)
    carl.press("Subscribe", "main .head")
    carl.page.get_by_label("Application", exact=True).select_option(label="Shop")
    carl.page.get_by_label("Gold", exact=True).check()
    carl.press("Subscribe", "main form")
    carl.see("Shop is subscribed to Echo 1.0.0")
    carl.press("Generate production keys", "main")
    carl.see("Consumer secret")
    secret = carl.page.locator(".shown-once pre").nth(1).inner_text()
    carl.press("I have stored it", "main")
    if secret in carl.page.content():
        stage.fault("a consumer secret is shown twice")
    carl.press("Generate an access token", "main")
    carl.see("It ends in")
    carl.press("I have stored it", "main")
    carl.press("Replace the secret", "main")
    carl.press("Replace the secret", "main form")
    carl.see("New secret")

    call(stage, carl, path)

    carl.open(application + "/api-keys")
    carl.fill("Name", HOSTILE[1])
    carl.fill("Only from these addresses", "nowhere")
    carl.press("Generate an API key", "main")
    carl.see("One thing needs a change")
    carl.fill("Only from these addresses", "127.0.0.0/8, ::1")
    carl.press("Generate an API key", "main")
    carl.see("Store it now")
    carl.press("I have stored it", "main")
    carl.see("127.0.0.0/8")

    carl.open(path + "/comments")
    for text in HOSTILE:
        carl.page.get_by_label("Comment", exact=True).fill(text)
        carl.page.get_by_role("button", name="Add the comment", exact=True).click()
        carl.page.wait_for_load_state("load")
    carl.see("Your comment was added.")
    carl.press("4 of 5", "main")
    carl.see("Rated 4.0 of 5 by one person.")
    carl.look("devportal_comments_written")

    carl.open(application + "/subscriptions")
    carl.see("Echo 1.0.0")
    carl.press("Change to Unlimited Echo", "main")
    carl.see("The plan is Unlimited now.")
    carl.open(application)
    carl.look("devportal_application_ready")
    carl.open(application + "/subscriptions")
    carl.press("Unsubscribe from Echo 1.0.0", "main")
    carl.see("This will be lost")
    carl.press("Keep everything", "main")
    carl.open(application + "/delete")
    carl.see("1 subscriptions: Echo 1.0.0")


def call(stage, carl, path):
    """The API answers in its page, and its code is code."""
    carl.open(path + "/try")
    carl.press("GET /echo/{id}", "main")
    snippets(stage, carl)
    carl.press("Send the call", "main")
    carl.see("needs a change")
    label = carl.page.locator("main form.card input[name='path.id']")
    label.fill("a b")
    carl.press("Send the call", "main")
    carl.see("200 OK")
    if "a b" not in carl.page.inner_text("main"):
        stage.fault(f"the answer is not of this call: {carl.page.inner_text('main')[:800]}")
    carl.look("devportal_answer")


def snippets(stage, carl):
    """What has an interpreter here is read by it."""
    readers = {"Python": ["python3", "-c", "import ast,sys; ast.parse(sys.stdin.read())"],
               "JavaScript": ["node", "--input-type=module", "--check"], "curl": ["sh", "-n"]}
    for language in ("curl", "Python", "JavaScript", "Java", "Go", "Rust"):
        if language != "curl":
            carl.press(language, "main")
        code = carl.page.locator("main .code pre").last.inner_text()
        if not re.search(r"/echo/1\.0\.0/echo/", code):
            stage.fault(f"the {language} code calls something else: {code}")
        if language in readers:
            done = subprocess.run(readers[language], input=code, capture_output=True, text=True, env=os.environ)
            if done.returncode:
                stage.fault(f"the {language} code is not {language}: {done.stderr[:500]}\n{code}")
