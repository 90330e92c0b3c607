"""The first administrator comes in by the set-up link, and sets a second factor up."""

import os

from stage import PASSWORD


def run(stage):
    admin = stage.person("admin")
    stage.admin = admin
    admin.open("/publisher/apis")
    admin.open(os.environ["PORTCULLIS_SETUP_LINK"])
    admin.fill("User name", "admin")
    admin.fill("Password", "short")
    admin.fill("Password again", "short")
    admin.press("Create administrator")
    admin.fill("Password", PASSWORD)
    admin.fill("Password again", PASSWORD)
    admin.press("Create administrator")
    admin.see("admin is the administrator")
    admin.sign_in()
    admin.open("/account")
    admin.see("Authenticator app")
