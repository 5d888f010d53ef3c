"""A browser in front of a demo, and the gestures of somebody who signs in by Pro Santé Connect."""

from dataclasses import dataclass
from typing import Any

from tests.browser.driver import Browser
from tests.running_demo import RunningDemo


@dataclass(frozen=True)
class Person:
    """Of the demo; `rpps` is what they type on the pages of Pro Santé Connect."""

    name: str
    username: str
    password: str
    rpps: str

    @property
    def email(self) -> str:
        return self.name.lower().replace(" ", ".").replace("é", "e") + "@demo.passerelle.test"


NADIA = Person("Nadia Benali", "n.benali", "colline-romarin-4817", "99900000011")
PAUL = Person("Paul Girard", "p.girard", "tramontane-bleue-2096", "99900000029")
CLAIRE = Person("Claire Morel", "c.morel", "", "99900000037")
JEAN = Person("Jean Petit", "j.petit", "garrigue-ancienne-7350", "99900000045")
KARIM = Person("Karim Haddad", "k.haddad", "cigale-argentee-3941", "99900000052")
ELODIE = Person("Élodie Marchand", "e.marchand", "platane-tranquille-5172", "99900000060")
THOMAS = Person("Thomas Renaud", "t.renaud", "cabanon-tranquille-6284", "99900000128")
HUGO = "99900000078"
"""Pro Santé Connect knows him, the gateway does not."""


@dataclass(frozen=True)
class Visit:
    browser: Browser
    demo: RunningDemo

    def open(self, application: str) -> None:
        self.browser.open({"Orientation": self.demo.orientation, "Suivi": self.demo.suivi}[application])

    def begin(self, application: str = "Orientation") -> None:
        """As far as the choice of a means."""
        self.open(application)
        self.browser.click("Se connecter")
        self.browser.wait_for(f"pour accéder à {application}")

    def ask_phone(self, rpps: str) -> None:
        """From the wallet's first page: a demand is on its way to the telephone."""
        self.browser.wait_for("Choisissez votre moyen")
        self.browser.fill("Identifiant national", rpps)
        self.browser.click("Se connecter avec l’e-CPS")
        self.browser.wait_for("Validez sur votre téléphone")

    def prove(self, rpps: str, button: str = "Pro Santé Connect") -> None:
        """From our page: out to Pro Santé Connect, approved, and on the way back."""
        self.browser.click(button)
        self.ask_phone(rpps)
        self.demo.answer_phone(rpps)

    def type_password(self, person: Person, button: str = "Se connecter", *, password: str | None = None) -> None:
        self.browser.fill("Identifiant", person.username)
        self.browser.fill("Mot de passe", password or person.password)
        self.browser.click(button)

    def type_mailed_code(self, person: Person, known: int) -> None:
        """`known`: the codes mailed before the one that is waited for."""
        self.browser.wait_for("Code de vérification")
        self.browser.fill("Code reçu", self.demo.wait_for_mail(person.email, "code", known=known)["codes"][0])
        self.browser.click("Vérifier")

    def codes_so_far(self, person: Person) -> int:
        return self.demo.codes(person.email)

    def mails_so_far(self, person: Person) -> int:
        """But for the notices of a new device, which depend on who was here before."""
        return len([mail for mail in self.demo.mails(person.email) if "nouvel appareil" not in mail["subject"]])

    def invite(self, person: Person) -> None:
        """A new account; as far as the page that its mail leads to."""
        given, family = person.name.split()
        rpps = ("--rpps", person.rpps) if person.rpps else ()
        names = ("--given-name", given, "--family-name", family, *rpps)
        self.demo.passerelle("accounts", "create", "--username", person.username, "--email", person.email, *names)
        self.browser.open(self.demo.wait_for_mail(person.email, "activez")["links"][0])
        self.browser.wait_for("Bienvenue")

    def welcome_again(self, person: Person) -> dict[str, Any]:
        """The mail of a second link, once the first one's has come: an older link that is dead is sent to nobody."""
        self.demo.wait_for_mail(person.email, "activez")
        self.demo.passerelle("accounts", "welcome", person.username)
        return self.demo.wait_for_mail(person.email, "activez", known=1)

    def sign_in_by_password(self, person: Person) -> None:
        known = self.codes_so_far(person)
        self.begin()
        self.type_password(person)
        self.type_mailed_code(person, known)

    def link(self, person: Person) -> None:
        """From the two choices to the end of the confirmation."""
        self.browser.wait_for("J'ai déjà un compte")
        self.browser.click("J'ai déjà un compte")
        self.browser.wait_for("étape 2 sur 4")
        known = self.codes_so_far(person)
        self.type_password(person, "Continuer")
        self.type_mailed_code(person, known)
        self.browser.wait_for("Relier cette identité à ce compte")
        self.browser.click("Relier")

    def sign_in_and_link(self, person: Person) -> None:
        self.begin()
        self.prove(person.rpps)
        self.link(person)

    def choose(self, label: str) -> None:
        """A situation, or a structure."""
        self.browser.wait_for(label)
        self.browser.tick(label)
        self.browser.click("Continuer")

    def sign_out(self, application: str) -> None:
        self.open(application)
        self.browser.click("Se déconnecter")
        self.browser.wait_for("Vous êtes déconnecté")

    def held(self) -> set[str]:
        """The rights that the application says it has received."""
        held: list[str] = self.browser.evaluate(
            "return [...document.querySelectorAll('[data-held=yes]')].map(row => row.dataset.right)"
        )
        return set(held)

    def until_ended_elsewhere(self, application: str) -> None:
        """The call comes after the answer to the person: within a second or so, not with it."""
        for _ in range(100):
            self.open(application)
            if "votre session a pris fin ailleurs" in self.browser.text():
                return
        raise AssertionError(self.browser.text())
