"""The doctor's sentences, French then English: what is the matter, then what to do about it (empty when nothing)."""

from card_bridge.doctor.findings import Finding, Level

Said = tuple[str, str]

_SENTENCES: dict[str, tuple[Said, Said]] = {
    "no-configuration": (
        (
            "Le fichier de réglage {file} n’existe pas : aucun site ne peut demander la carte.",
            'Créez-le avec une ligne telle que : allowed_origins = ["https://auth.example.fr"]',
        ),
        (
            "The configuration file {file} does not exist: no site can ask for the card.",
            'Create it with a line such as: allowed_origins = ["https://auth.example.fr"]',
        ),
    ),
    "configuration-refused": (
        ("Le fichier de réglage est refusé ({reason}).", "Corrigez-le : {file}"),
        ("The configuration file is refused ({reason}).", "Correct it: {file}"),
    ),
    "origins": (
        ("Sites qui peuvent demander la carte : {origins}.", ""),
        ("Sites that may ask for the card: {origins}.", ""),
    ),
    "demo": (
        ("Le réglage est celui de la démonstration.", "Sur un vrai poste, retirez la ligne « demo = true »."),
        ("The configuration is the demo’s.", "On a real workstation, remove the line “demo = true”."),
    ),
    "running": (
        ("La passerelle du poste répond sur le port {port} (version {version}).", ""),
        ("The bridge answers on port {port} (version {version}).", ""),
    ),
    "not-running": (
        ("La passerelle du poste n’est pas en marche.", "Lancez-la : passerelle-bridge serve"),
        ("The bridge is not running.", "Start it: passerelle-bridge serve"),
    ),
    "port-taken": (
        (
            "Le port {port} est pris par un autre programme.",
            "La passerelle en prendra un autre de sa liste : rien à faire.",
        ),
        ("Port {port} is taken by another program.", "The bridge will take another of its list: nothing to do."),
    ),
    "ports-taken": (
        (
            "Les ports {ports} sont tous pris par d’autres programmes : la passerelle ne peut pas démarrer.",
            "Fermez l’un de ces programmes.",
        ),
        ("Ports {ports} are all taken by other programs: the bridge cannot start.", "Close one of these programs."),
    ),
    "no-pyscard": (
        ("Le composant qui parle aux lecteurs (pyscard) n’est pas installé.", "Réinstallez la passerelle du poste."),
        ("The component that speaks to readers (pyscard) is not installed.", "Install the bridge again."),
    ),
    "service-stopped": (
        ("Le service des cartes à puce est arrêté.", "{remedy}"),
        ("The smart card service is stopped.", "{remedy}"),
    ),
    "no-reader": (
        ("Aucun lecteur de carte n’est branché.", "Branchez-le, ou essayez une autre prise USB."),
        ("No card reader is plugged in.", "Plug it in, or try another USB port."),
    ),
    "no-card": (
        (
            "Le lecteur « {reader} » fonctionne ; il est vide.",
            "Insérez la carte, puis recommencez pour la vérifier aussi.",
        ),
        ("The reader “{reader}” works; it is empty.", "Insert the card, then run this again to check it too."),
    ),
    "card-mute": (
        (
            "La carte du lecteur « {reader} » ne répond pas.",
            "Retirez-la, essuyez la puce avec un chiffon sec, vérifiez son sens, insérez-la de nouveau.",
        ),
        (
            "The card in the reader “{reader}” does not answer.",
            "Take it out, wipe the chip with a dry cloth, check which way round it goes, insert it again.",
        ),
    ),
    "card-in-use": (
        ("Un autre programme garde la carte du lecteur « {reader} ».", "Fermez-le, puis recommencez."),
        ("Another program keeps the card in the reader “{reader}” to itself.", "Close it, then run this again."),
    ),
    "card-contactless": (
        (
            "La carte est lue sans contact par « {reader} » : ce mode n’est pas accepté.",
            "Insérez-la dans un lecteur à fente.",
        ),
        ("The card is read without contact by “{reader}”: this is not accepted.", "Insert it into a contact reader."),
    ),
    "card-unsupported": (
        (
            "La carte du lecteur « {reader} » n’est pas une carte CPS que la passerelle sait lire.",
            "Insérez une carte CPS3.",
        ),
        ("The card in the reader “{reader}” is not a CPS card that the bridge can read.", "Insert a CPS3 card."),
    ),
    "card-gone": (
        ("La carte du lecteur « {reader} » n’a pas pu être lue jusqu’au bout.", "Laissez-la insérée et recommencez."),
        ("The card in the reader “{reader}” could not be read to the end.", "Leave it inserted and run this again."),
    ),
    "certificate-unsupported": (
        (
            "La carte {label} ne porte pas de certificat d’authentification utilisable, ou il est expiré.",
            "Demandez son renouvellement ; en attendant, connectez-vous avec Pro Santé Connect.",
        ),
        (
            "The card {label} holds no usable authentication certificate, or it has expired.",
            "Ask for a new card; meanwhile, sign in with Pro Santé Connect.",
        ),
    ),
    "card": (
        ("La carte {label} et son certificat d’authentification sont lisibles. Titulaire : {holder}.", ""),
        ("The card {label} and its authentication certificate can be read. Holder: {holder}.", ""),
    ),
    "blocked": (
        ("La carte {label} est bloquée : plus aucune tentative.", "Débloquez-la avec son code de déblocage."),
        ("The card {label} is blocked: no try left.", "Unblock it with its unblocking code."),
    ),
    "last-try": (
        ("Il ne reste qu’une tentative à la carte {label}.", "Un code juste remet le compte à trois."),
        ("The card {label} has one try left.", "A right code sets the count back to three."),
    ),
    "no-window": (
        (
            "La fenêtre de saisie ne peut pas s’ouvrir : le composant PySide6 n’est pas installé.",
            "Réinstallez la passerelle du poste.",
        ),
        ("The window cannot open: the component PySide6 is not installed.", "Install the bridge again."),
    ),
    "no-display": (
        (
            "Aucun écran n’est visible d’ici : la fenêtre de saisie ne pourrait pas s’ouvrir.",
            "Lancez la passerelle dans la session de la personne.",
        ),
        ("No screen is visible from here: the window could not open.", "Start the bridge in the person’s own session."),
    ),
    "browser-allows": (
        ("{browser} laisse {origin} joindre la passerelle, par une règle de votre organisation.", ""),
        ("{browser} lets {origin} reach the bridge, by a rule of your organisation.", ""),
    ),
    "browser-blocks": (
        (
            "Une règle de votre organisation interdit à {origin} de joindre la passerelle dans {browser}.",
            "Faites retirer {origin} de {policy}, ou ajouter à {remedy}.",
        ),
        (
            "A rule of your organisation forbids {origin} to reach the bridge in {browser}.",
            "Have {origin} removed from {policy}, or added to {remedy}.",
        ),
    ),
    "browser-asks": (
        (
            "{browser} peut demander, la première fois, si {origin} a le droit de joindre des applications de cet appareil.",
            "Répondez « Autoriser ». Pour que la question ne vienne pas : règle {remedy}.",
        ),
        (
            "{browser} may ask, the first time, whether {origin} may reach applications of this device.",
            "Answer “Allow”. So that the question does not come: rule {remedy}.",
        ),
    ),
    "safari": (
        (
            "Safari ne peut pas joindre la passerelle du poste.",
            "Utilisez Firefox, Chrome ou Edge, ou Pro Santé Connect.",
        ),
        ("Safari cannot reach the bridge.", "Use Firefox, Chrome or Edge, or Pro Santé Connect."),
    ),
}
_SERVICE_REMEDIES: dict[str, Said] = {
    "linux": (
        "Lancez-le : sudo systemctl enable --now pcscd.socket",
        "Start it: sudo systemctl enable --now pcscd.socket",
    ),
    "win32": (
        "Ouvrez « Services », puis démarrez « Carte à puce » (SCardSvr).",
        "Open “Services”, then start “Smart Card” (SCardSvr).",
    ),
    "darwin": ("Débranchez le lecteur, redémarrez la machine.", "Unplug the reader, restart the machine."),
}
_MARKS = {
    Level.GOOD: ("Bien       ", "Good   "),
    Level.KNOW: ("À savoir   ", "To know"),
    Level.WRONG: ("À corriger ", "To mend"),
}


def said(finding: Finding, lang: str, platform: str) -> str:
    """The finding on one line, its remedy on the next."""
    language = 1 if lang == "en" else 0
    facts = dict(finding.facts)
    if finding.what == "service-stopped":
        facts["remedy"] = _SERVICE_REMEDIES.get(platform, _SERVICE_REMEDIES["linux"])[language]
    fact, remedy = (text.format(**facts) for text in _SENTENCES[finding.what][language])
    mark = _MARKS[finding.level][language]
    return f"{mark}  {fact}" + (f"\n{' ' * len(mark)}  → {remedy}" if remedy else "")
