"""The window's words, French first, English second; which of them each view shows.

« Il vous reste n tentative(s) » always comes from the card's own count. A view that holds no code field here has none on the
screen either (BR-04).
"""

from dataclasses import dataclass

from card_bridge.ports import Demand, View, WindowState
from card_bridge.window.scenes import Scene, Tone

S = WindowState


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    origin_caption: str
    purposes: dict[str, str]
    other_purpose: str
    states: dict[WindowState, tuple[str, str]]
    """The line about the card, then what to do."""
    reader: str
    holder_caption: str
    code_caption: str
    tries: tuple[str, str]
    """One try, several."""
    last_try: str
    use_last_try: str
    validate: str
    wrong_code: str
    malformed_code: str
    interrupted: str
    cancel: str
    close: str
    promise: str


FRENCH = Words(
    title="Connexion par carte CPS",
    origin_caption="Site qui vous le demande",
    purposes={"login": "Pour ouvrir votre session"},
    other_purpose="Pour vérifier qui vous êtes",
    states={
        S.SERVICE_STOPPED: (
            "Le service des cartes à puce est arrêté",
            "Cette fenêtre continuera d’elle-même dès qu’il sera relancé. Au besoin, appelez votre support informatique.",
        ),
        S.NO_READER: ("Aucun lecteur de carte", "Branchez votre lecteur : cette fenêtre le verra aussitôt."),
        S.NO_CARD: ("Insérez votre carte CPS", "La puce entre la première, jusqu’au fond du lecteur."),
        S.CARD_MUTE: (
            "La carte ne répond pas",
            "Retirez-la, essuyez la puce avec un chiffon sec, vérifiez son sens, puis insérez-la de nouveau.",
        ),
        S.CARD_IN_USE: (
            "Un autre logiciel utilise la carte",
            "Fermez-le ou attendez qu’il ait fini : cette fenêtre continuera d’elle-même.",
        ),
        S.CARD_UNSUPPORTED: ("Cette carte n’est pas acceptée", "Insérez votre carte CPS dans un lecteur à contact."),
        S.SEVERAL_CARDS: ("Plusieurs cartes sont insérées", "Laissez seulement la vôtre."),
        S.READING: ("Lecture de la carte…", "Laissez-la dans le lecteur."),
        S.CONFIRM_LAST_TRY: ("Carte prête", ""),
        S.ASK_CODE: ("Carte prête", ""),
        S.SIGNING: ("La carte répond au site…", "Laissez-la dans le lecteur encore un instant."),
        S.PIN_BLOCKED: (
            "Carte bloquée",
            "Trop de codes faux ont été tapés. Débloquez-la avec son code de déblocage, ou revenez à la page pour vous "
            "connecter autrement.",
        ),
        S.CERTIFICATE_UNSUPPORTED: (
            "Cette carte ne permet pas de se connecter",
            "Son certificat d’authentification est absent ou n’est plus valable. La page propose un autre moyen.",
        ),
        S.CARD_REMOVED: ("La carte a été retirée", "Rien n’a été envoyé. Recommencez depuis la page."),
        S.CARD_INTERRUPTED: (
            "Un autre logiciel a interrompu la carte",
            "Rien n’a été envoyé. Fermez ce logiciel, puis recommencez depuis la page.",
        ),
        S.DONE: ("C’est fait", "Revenez à la page."),
    },
    reader="Lecteur : {reader}",
    holder_caption="Titulaire de la carte",
    code_caption="Code porteur (4 chiffres)",
    tries=("Il vous reste 1 tentative", "Il vous reste {tries} tentatives"),
    last_try="C’est la dernière : un code faux bloquerait la carte. Si vous avez un doute, annulez.",
    use_last_try="Utiliser la dernière tentative",
    validate="Valider",
    wrong_code="Code faux. Vérifiez-le avant de le taper de nouveau.",
    malformed_code="Le code porteur a 4 chiffres, ni plus ni moins. Aucune tentative n’a été consommée.",
    interrupted="Un autre logiciel a dérangé la carte : tapez votre code de nouveau.",
    cancel="Annuler",
    close="Fermer",
    promise="Votre code reste entre cette fenêtre et votre carte. Aucun site ne le voit.",
)

ENGLISH = Words(
    title="Sign in with a CPS card",
    origin_caption="Site that is asking",
    purposes={"login": "To open your session"},
    other_purpose="To check who you are",
    states={
        S.SERVICE_STOPPED: (
            "The smart card service is stopped",
            "This window goes on by itself as soon as the service is back. If it is not, call your IT support.",
        ),
        S.NO_READER: ("No card reader", "Plug your reader in: this window will see it at once."),
        S.NO_CARD: ("Insert your CPS card", "Chip first, all the way into the reader."),
        S.CARD_MUTE: (
            "The card does not answer",
            "Take it out, wipe the chip with a dry cloth, check which way round it goes, then insert it again.",
        ),
        S.CARD_IN_USE: (
            "Another program is using the card",
            "Close it or let it finish: this window goes on by itself.",
        ),
        S.CARD_UNSUPPORTED: ("This card is not accepted", "Insert your CPS card into a contact reader."),
        S.SEVERAL_CARDS: ("Several cards are inserted", "Leave only your own."),
        S.READING: ("Reading the card…", "Leave it in the reader."),
        S.CONFIRM_LAST_TRY: ("Card ready", ""),
        S.ASK_CODE: ("Card ready", ""),
        S.SIGNING: ("The card is answering the site…", "Leave it in the reader a moment longer."),
        S.PIN_BLOCKED: (
            "Card blocked",
            "Too many wrong codes were typed. Unblock it with its unblocking code, or go back to the page to sign in "
            "another way.",
        ),
        S.CERTIFICATE_UNSUPPORTED: (
            "This card cannot be used to sign in",
            "Its authentication certificate is missing or no longer valid. The page offers another way.",
        ),
        S.CARD_REMOVED: ("The card was taken out", "Nothing was sent. Start again from the page."),
        S.CARD_INTERRUPTED: (
            "Another program interrupted the card",
            "Nothing was sent. Close that program, then start again from the page.",
        ),
        S.DONE: ("Done", "Go back to the page."),
    },
    reader="Reader: {reader}",
    holder_caption="Card holder",
    code_caption="Card code (4 digits)",
    tries=("You have 1 try left", "You have {tries} tries left"),
    last_try="It is the last one: a wrong code would block the card. If in doubt, cancel.",
    use_last_try="Use the last try",
    validate="Confirm",
    wrong_code="Wrong code. Check it before you type it again.",
    malformed_code="The card code has 4 digits, no more, no less. No try was spent.",
    interrupted="Another program disturbed the card: type your code again.",
    cancel="Cancel",
    close="Close",
    promise="Your code stays between this window and your card. No site sees it.",
)

LAST_WORDS = frozenset(
    {S.PIN_BLOCKED, S.CARD_UNSUPPORTED, S.CERTIFICATE_UNSUPPORTED, S.CARD_REMOVED, S.CARD_INTERRUPTED}
)
"""When one of these is the last view, the window stays until it has been read."""
_READY = frozenset({S.CONFIRM_LAST_TRY, S.ASK_CODE, S.SIGNING, S.DONE})
_ALARMS = frozenset({S.PIN_BLOCKED, S.CERTIFICATE_UNSUPPORTED})
_WAITING = frozenset({S.NO_READER, S.NO_CARD, S.READING})


def scene_for(demand: Demand, view: View, *, over: bool = False) -> Scene:
    """What the person sees and hears for this view; `over` when the bridge has left and only the words remain."""
    words = ENGLISH if demand.lang == "en" else FRENCH
    state, advice = words.states[view.state]
    ready = view.state in _READY
    asks_code = view.state is S.ASK_CODE
    last_try = view.state is S.CONFIRM_LAST_TRY
    return Scene(
        title=words.title,
        origin_caption=words.origin_caption,
        origin=demand.origin,
        purpose=words.purposes.get(demand.purpose, words.other_purpose),
        state=state,
        state_detail=advice or (words.reader.format(reader=view.reader) if view.reader else ""),
        tone=_tone(view.state),
        holder_caption=words.holder_caption,
        holder=view.holder if ready else "",
        card=view.card_label if ready else "",
        notice=_notice(words, view),
        alarm=_alarm(words, view),
        asks_code=asks_code,
        code_caption=words.code_caption,
        tries=_tries(words, view.tries_left) if asks_code else "",
        proceed=words.validate if asks_code else words.use_last_try if last_try else "",
        cancel=words.close if over else words.cancel,
        promise=words.promise if asks_code or last_try else "",
    )


def _tone(state: WindowState) -> Tone:
    if state in _READY:
        return Tone.READY
    if state in _ALARMS:
        return Tone.ALARM
    return Tone.WAITING if state in _WAITING else Tone.WARNING


def _notice(words: Words, view: View) -> str:
    if view.state is S.CONFIRM_LAST_TRY:
        return f"{_tries(words, 1)}. {words.last_try}"
    if view.state is S.ASK_CODE and view.tries_left == 1:
        return words.last_try
    return words.interrupted if view.interrupted and view.state is S.ASK_CODE else ""


def _alarm(words: Words, view: View) -> str:
    if view.wrong_code:
        return words.wrong_code
    return words.malformed_code if view.malformed_code else ""


def _tries(words: Words, tries: int | None) -> str:
    if tries is None:
        return ""
    one, several = words.tries
    return one if tries == 1 else several.format(tries=tries)
