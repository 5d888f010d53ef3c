"""Somebody of the demo, at a browser that knows HTML alone."""

from dataclasses import dataclass

from tests.html_only_browser import HtmlOnlyBrowser
from tests.running_demo import RunningDemo

PASSWORDS = {
    "n.benali": "colline-romarin-4817",
    "k.haddad": "cigale-argentee-3941",
    "e.marchand": "platane-tranquille-5172",
}
ADDRESSES = {
    "n.benali": "nadia.benali@demo.passerelle.test",
    "k.haddad": "karim.haddad@demo.passerelle.test",
    "e.marchand": "elodie.marchand@demo.passerelle.test",
}


@dataclass(frozen=True)
class Person:
    """Somebody of the demo, their browser and their mailbox."""

    username: str
    demo: RunningDemo
    browser: HtmlOnlyBrowser

    def signs_in(self, address: str) -> str:
        """From an application's authorization request to the address where the browser comes back to it."""
        mailbox = ADDRESSES[self.username]
        known = self.demo.codes(mailbox)
        self.browser.open(address)
        form = self.browser.form("identifier", "password")
        self.browser.submit(form, identifier=self.username, password=PASSWORDS[self.username])
        code = self.demo.wait_for_mail(mailbox, "code", known=known)["codes"][0]
        arrived = self.browser.submit(self.browser.form("code"), code=code)
        if arrived.endswith("/structure"):
            arrived = self.browser.submit(self.browser.form("structure"))
        return arrived

    def gives_up(self, address: str) -> str:
        self.browser.open(address)
        (cancel,) = [form for form in self.browser.forms if form.action.endswith("/cancel")]
        return self.browser.submit(cancel)
