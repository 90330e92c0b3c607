"""The administrator looks at what the others did, and changes what only administrators change."""

import time

from stage import HOSTILE, PASSWORD

PAGES = [
    "/admin", "/admin/hardening", "/admin/hardening/history", "/admin/hardening/accepted", "/admin/users",
    "/admin/users/new", "/admin/roles", "/admin/roles/new", "/admin/scopes", "/admin/sessions", "/admin/tenants",
    "/admin/tenants/new", "/admin/throttling/application", "/admin/throttling/subscription",
    "/admin/throttling/advanced", "/admin/throttling/custom", "/admin/throttling/application/new",
    "/admin/throttling/subscription/new", "/admin/throttling/advanced/new", "/admin/throttling/custom/new",
    "/admin/deny", "/admin/deny/new", "/admin/key-managers", "/admin/key-managers/new",
    "/admin/key-managers/new?type=Okta", "/admin/gateways", "/admin/environments/new", "/admin/approvals", "/admin/governance",
    "/admin/audit-log", "/admin/backups", "/admin/settings",
]


def run(stage):
    admin = stage.admin
    for path in PAGES:
        # A page of another kind is not the same picture for its query.
        admin.page.goto(path if path.startswith("https:") else admin_base(admin) + path)
        admin.look(path.strip("/").replace("/", "_").replace("?", "_").replace("=", "_"))
    harden(admin)
    people(stage, admin)
    policies(admin)
    trail(stage, admin)
    hostile(stage, admin)
    outsiders(stage)
    for path in ("/admin", "/admin/users", "/admin/audit-log", "/admin/hardening", "/admin/settings"):
        begun = time.time()
        admin.page.goto(admin_base(admin) + path)
        stage.times[path] = time.time() - begun


def admin_base(person):
    from stage import BASE

    return BASE


def harden(admin):
    admin.open("/admin/hardening")
    admin.press("Audit now", "main")
    for _ in range(40):
        if "Result" in admin.page.inner_text("main"):
            break
        time.sleep(1)
        admin.page.goto(admin_base(admin) + "/admin/hardening")
    admin.see("of 100")
    admin.see("API-M runtime security")
    admin.look("admin_hardening_report")
    admin.press("A03", "main")
    admin.see("In Portcullis")
    admin.look("admin_hardening_guideline")
    admin.open("/admin/hardening/history")
    admin.look("admin_hardening_kept")
    admin.open("/admin/backups")
    admin.press("Make a backup now", "main")
    admin.see("was made.")
    admin.look("admin_backups_made")


def people(stage, admin):
    """A user who leaves: locked with a question before, unlocked, deleted."""
    admin.open("/admin/users/new")
    admin.press("Add the user", "main")
    admin.see("Enter a user name")
    admin.fill("User name", "leaver")
    admin.fill("Mail address", "leaver@example.com")
    admin.fill("Password", PASSWORD)
    admin.fill("Password again", PASSWORD)
    admin.press("Add the user", "main")
    admin.see("leaver was added")
    leaver = stage.person("leaver")
    leaver.sign_in()
    admin.page.reload()
    admin.look("admin_user")
    admin.press("Lock the account", "main")
    admin.look("admin_user_lock")
    admin.press("Lock leaver", "main")
    admin.see("leaver is locked")
    leaver.page.goto(admin_base(admin) + "/account")
    if "/signin" not in leaver.page.url:
        stage.fault("a locked user is still signed in")
    admin.press("Unlock the account", "main")
    admin.press("Unlock leaver", "main")
    admin.see("leaver can sign in again")
    admin.press("Delete the account", "main")
    admin.look("admin_user_delete")
    admin.press("Delete leaver", "main")
    admin.see("leaver was deleted")


def policies(admin):
    admin.open("/admin/throttling/application/new")
    admin.fill("Name", "Story")
    admin.fill("How much", "12")
    admin.press("Add the policy", "main")
    admin.see("12 requests per min")
    admin.press("Story", "main")
    admin.press("Delete this policy", "main")
    admin.press("Delete the policy Story", "main")
    admin.see("The policy was deleted.")
    admin.open("/admin/deny/new")
    admin.page.get_by_label("Address or network").check()
    admin.fill("Value", "192.0.2.0/24")
    admin.press("Refuse it", "main")
    admin.see("192.0.2.0/24 is refused from now on")
    admin.look("admin_deny_list")
    admin.press("Delete 192.0.2.0/24", "main")
    admin.page.locator("main button.danger, main button").last.click()
    admin.see("is not on the list any more")


def trail(stage, admin):
    """What the others did is in the audit log, by name, and the chain holds."""
    admin.open("/admin/audit-log?query=admin&action=users.lock")
    admin.see("identity.users.lock")
    admin.page.locator("main table a").first.click()
    admin.see("The record is as it was written")
    admin.look("admin_audit_log_record")
    if getattr(stage, "paula", None):
        admin.open("/admin/audit-log?query=paula&action=publisher")
        admin.see("publisher.apis")
        admin.look("admin_audit_log_of_paula")
    admin.open("/admin/audit-log")
    admin.press("Verify the chain", "main")
    admin.see("The chain is whole")
    admin.look("admin_audit_log_verified")


def hostile(stage, admin):
    """What hurts is typed into every field of the forms, and what was typed is looked at again."""
    for path in ("/admin/users/new", "/admin/roles/new", "/admin/tenants/new", "/admin/deny/new",
                 "/admin/environments/new", "/admin/throttling/application/new", "/admin/throttling/custom/new",
                 "/admin/key-managers/new?type=Okta"):
        for number, text in enumerate(HOSTILE):
            admin.page.goto(admin_base(admin) + path)
            form = admin.page.locator("main form[method=post]").last
            for field in form.locator("input[type=text], input[type=url], input[type=password], textarea").all():
                field.fill(text)
            form.locator("button").last.click()
            admin.page.wait_for_load_state("load")
            if admin.page.evaluate("window.stolen"):
                stage.fault(f"{text} ran at {path}")
            if number == 0:
                admin.look("hostile_" + path.strip("/").replace("/", "_").split("?")[0])
    for path in ("users", "scopes", "settings", "audit-log"):
        for text in HOSTILE:
            from urllib.parse import quote

            admin.page.goto(f"{admin_base(admin)}/admin/{path}?query={quote(text, safe='')}")
            if admin.page.evaluate("window.stolen"):
                stage.fault(f"{text} ran in the search of {path}")


def outsiders(stage):
    """Who is no administrator is refused, as a page."""
    carl = stage.person("carl")
    carl.sign_in()
    for path in PAGES:
        answer = carl.page.goto(admin_base(carl) + path)
        if answer.status != 403:
            stage.fault(f"carl at {path}: {answer.status}")
    carl.look("admin_refused")
