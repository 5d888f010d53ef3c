"""The passwords that everybody tries first, of those long enough for the policy (PWD-03).

Made by rule from words of ours, when the gateway starts: what people add to a word so that it is long enough is always the same
(a year, `123`, a sign, the word once more, `@` for a), and a copied list would age and carry somebody else's licence. Compared
whole and without case, so that everything here is in lower case. Breached passwords are another set (breached_passwords.py).
"""

from collections.abc import Iterator
from functools import cache


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PASSWORDS = _words("""
    motdepasse monmotdepasse lemotdepasse nouveaumotdepasse motdepasseprovisoire mdp passe secret monsecret
    trustno1 professionnel changemoi changezmoi
    changeme identifiant connexion bienvenue bonjour bonsoir coucou salut merci test testtest essai provisoire temporaire
    administrateur administrator admin superadmin root invite utilisateur user guest default password passw0rd passphrase
    letmein welcome qwerty azerty azertyuiop qwertyuiop sesame sesameouvretoi ouvretoi jenaipasdemotdepasse cestmonmotdepasse
    """)
_WORDS = _words("""
    soleil chocolat doudou loulou chouchou nounours bisous bisou chaton princesse papillon licorne dauphin tigrou minou
    jetaime jetadore iloveyou monamour amour toujours famille maman papa enfants bonheur liberte vacances voyage
    montagne campagne maison jardin fleur rose violette coquelicot marguerite cerise fraise vanille caramel tomate
    voiture camion moto football rugby petanque tennis guitare musique piano informatique ordinateur internet
    superman batman spiderman pokemon starwars matrix dragon phoenix warrior shadow master monkey sunshine
    flower summer winter spring autumn freedom forever friends family computer internet baseball soccer liverpool chelsea
    """)
_CARE = _words("""
    medecin docteur infirmiere infirmier pharmacie pharmacien dentiste kine sagefemme aidesoignante hopital clinique
    cabinet cabinetmedical ehpad soins urgences patient patients sante medical medecine chirurgie radiologie secretariat
    secretaire accueil direction maisondesante esante cartecps santeconnect prosanteconnect
    """)
_GIVEN_NAMES = _words("""
    alexandre alexandra amelie anais andre antoine arthur aurelie benjamin camille caroline catherine celine charlotte chloe
    christelle christine christophe claire clement corinne damien daniel david delphine denis dominique elodie emilie emma
    eric fabien florence francois francoise frederic gabriel guillaume hugo isabelle jacques jeanne jerome julien juliette
    karine kevin laetitia laurence laurent leo louis louise lucas lucie manon marie marine martine mathieu mathilde maxime
    michel monique nathalie nicolas olivier pascal patricia patrick paul philippe pierre quentin raphael romain sandrine
    sarah sebastien sophie stephane stephanie sylvie theo thomas thierry valerie vanessa veronique victor vincent virginie
    ahmed fatima karim leila mehdi mohamed nadia samira yasmine youssef
    """)
_TIMES = _words("""
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre printemps ete automne hiver
    lundi mardi mercredi jeudi vendredi samedi dimanche january february april july august september october november december
    """)
_PLACES = _words("""
    paris marseille lyon toulouse nice nantes montpellier strasbourg bordeaux lille rennes reims toulon grenoble dijon angers
    nimes brest lemans amiens limoges tours metz besancon orleans perpignan beziers sete bretagne normandie provence occitanie
    languedoc france corse herault garrigue
    """)
_CLUBS = _words("""
    parissaintgermain psg olympiquedemarseille allezlom allezom marseillaise
    lamarseillaise omforever olympiquelyonnais saintetienne allezlesverts
    girondins stadetoulousain stadefrancais montpellierherault realmadrid barcelona fcbarcelone juventus manchester arsenal
    allezlesbleus champions
    """)
_WALKS = _words("""
    azertyuiop qsdfghjklm wxcvbn qwertyuiop asdfghjkl zxcvbnm 1234567890 0123456789 aqwzsxedcrfvtgbyhn
    1a2z3e4r5t6y7u8i 1q2w3e4r5t6y7u8i q1w2e3r4t5y6 a1z2e3r4t5y6u7i8 qazwsxedcrfvtgb 1qaz2wsx3edc4rfv 1qazxsw23edcvfr4
    azertyuiopqsdfghjklmwxcvbn qwertyuiopasdfghjklzxcvbnm abcdefghijklmnopqrstuvwxyz
    """)
_SAYINGS = _words("""
    correcthorsebatterystaple aquoibonunmotdepasse unmotdepassetreslong motdepassetreslong cestunsecret monmotdepasseamoi
    etreounepasetre ilfaitbeauaujourdhui liberteegalitefraternite allonsenfantsdelapatrie jepensedoncjesuis lavieestbelle
    untiensvautmieux quelquechosecommeca carpediem hakunamatata abracadabra supercalifragilistic abcd1234abcd chouchouchou
    """)

_YEARS = tuple(str(year) for year in range(2018, 2033))
_BIRTH_YEARS = tuple(str(year) for year in range(1950, 2010))
_TAILS = ("1", "12", "123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "00", "01", "007", "2000")
_ENDS = ("1", "12", "123", "1234", "123456", "!", "123!", "2025", "2026")
_SIGNS = ("", "!", "*", ".")
_CITIES = {
    "paris": "75015",
    "marseille": "13013",
    "lyon": "69003",
    "toulouse": "31000",
    "bordeaux": "33000",
    "montpellier": "34000",
}
_LEET = ({"a": "@", "o": "0"}, {"a": "@", "o": "0", "i": "1", "e": "3", "s": "5"}, {"o": "0"}, {"a": "@"}, {"e": "3"})

MIN_LENGTH = 12
_DIGITS_ALONE = 16
"""Of digits alone, fewer are refused by their entropy already."""


class CommonPasswords:
    """One text of a megabyte and a half: as a set of strings they would be a tenth of a worker's memory."""

    def __init__(self) -> None:
        text = bytearray(b"\n")
        for entry in _candidates():
            if _long_enough(entry):
                text += entry.encode("ascii") + b"\n"
        self._text = bytes(text)

    def __contains__(self, password: object) -> bool:
        return isinstance(password, str) and "\n" not in password and _line(password) in self._text

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.decode("ascii").split())


@cache
def common_passwords() -> CommonPasswords:
    """Those that the policy would let pass for their length and their entropy."""
    return CommonPasswords()


def _line(password: str) -> bytes:
    return f"\n{password}\n".encode("utf-8", "surrogatepass")


def _long_enough(entry: str) -> bool:
    return len(entry) >= (_DIGITS_ALONE if entry.isdigit() else MIN_LENGTH)


def _candidates() -> Iterator[str]:
    for word in (*_PASSWORDS, *_WORDS, *_CARE, *_GIVEN_NAMES, *_TIMES, *_PLACES, *_CLUBS, *_SAYINGS):
        yield from _longer(word)
    for word in _PASSWORDS:
        for instead in _LEET:
            yield from _longer(word.translate({ord(letter): sign for letter, sign in instead.items()}))
    for name in _GIVEN_NAMES:
        yield from (f"{name}{year}{sign}" for year in _BIRTH_YEARS for sign in ("", "!"))
    for city, code in _CITIES.items():
        yield from (city + code, code + city, city + code + city, f"{city}{code}!")
    yield from _walked()
    yield from _repeated()


def _longer(word: str) -> Iterator[str]:
    """What people add until a word is long enough."""
    for sign in _SIGNS:
        yield word + sign
        yield word * 2 + sign
        yield word * 3 + sign
    for tail in (*_TAILS, *_YEARS):
        yield from (
            word + tail,
            f"{word}{tail}!",
            word * 2 + tail,
            f"{word * 2}{tail}!",
            f"{word}@{tail}",
            f"{word}-{tail}",
            tail + word,
        )


def _walked() -> Iterator[str]:
    """Walks over the keyboard and the alphabet: both ways, from the beginning, twice, and with the usual end."""
    for walk in _WALKS:
        for row in (walk, walk[::-1]):
            for length in range(6, len(row) + 1):
                step = row[:length]
                yield step
                yield step * 2
                yield from (step + end for end in _ENDS)
    yield from (first + second for first in _WALKS for second in _WALKS if first != second)
    yield from ("123456789azerty", "12345678azerty", "123456azerty")


def _repeated() -> Iterator[str]:
    """One character, or a short run, again and again."""
    for character in "abcdefghijklmnopqrstuvwxyz0123456789":
        yield from (character * length for length in range(MIN_LENGTH, 21))
    for run in (
        "abc",
        "123",
        "abc123",
        "aze",
        "azerty",
        "qwerty",
        "1234",
        "12345",
        "123456",
        "abcd",
        "abcd1234",
        "chou",
        "lou",
        "dou",
    ):
        yield from (run * times + end for times in range(2, 8) for end in ("", "!", "1", "123"))
    for digits in ("0123456789", "1234567890", "9876543210"):
        yield from (digits * 2, digits + digits[:6])
