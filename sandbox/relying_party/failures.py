"""Why a sign-in did not happen: the gateway's own errors (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6) in human
words, and this client's refusals of an answer it does not trust. The technical code stays visible, for support."""

from dataclasses import dataclass


class SignInFailed(Exception):  # noqa: N818 -- a refusal, told in a sentence
    """`code` is the OAuth error or this client's own refusal; `detail` is for the technical part of the page."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class ProviderError(SignInFailed):
    """The gateway said no."""


class ProviderUnreachable(SignInFailed):
    """The gateway did not answer, or not as a gateway."""


class ResponseRefused(SignInFailed):
    """The answer is not one this client may trust."""


@dataclass(frozen=True)
class HumanWords:
    title: str
    explanation: str


_GATEWAY_ERRORS = {
    "access_denied": HumanWords(
        "La connexion n’a pas été accordée",
        "Vous avez renoncé, ou la passerelle a estimé que ce compte ne peut pas entrer dans {application}.",
    ),
    "login_required": HumanWords(
        "Vous n’êtes pas connecté à la passerelle",
        "L’essai silencieux n’affiche aucune page : il ne réussit que si une session est déjà ouverte.",
    ),
    "interaction_required": HumanWords(
        "La passerelle a quelque chose à vous demander",
        "Une session existe, mais une étape manque (un code, un choix de structure…). Connectez-vous normalement.",
    ),
    "consent_required": HumanWords(
        "La passerelle attend votre accord",
        "Connectez-vous normalement : elle vous montrera ce qui reste à accepter.",
    ),
    "account_selection_required": HumanWords(
        "La passerelle veut savoir qui vous êtes", "Connectez-vous normalement et choisissez votre compte."
    ),
    "unmet_authentication_requirements": HumanWords(
        "Le niveau demandé n’est pas disponible pour vous",
        "Aucun de vos moyens de connexion n’atteint le niveau demandé par {application}.",
    ),
    "temporarily_unavailable": HumanWords("La passerelle est momentanément indisponible", "Réessayez dans un instant."),
    "server_error": HumanWords(
        "La passerelle a rencontré un problème", "Réessayez ; si cela dure, prévenez le support."
    ),
    "invalid_client": HumanWords(
        "{application} n’est pas reconnue par la passerelle",
        "L’identifiant ou le secret de l’application ne convient pas. C’est l’affaire de ses administrateurs.",
    ),
    "invalid_grant": HumanWords(
        "Cette connexion a expiré ou a déjà servi", "Recommencez : chaque connexion ne vaut qu’une fois."
    ),
}

_REFUSED = HumanWords(
    "La réponse reçue n’est pas digne de confiance",
    "{application} a vérifié la réponse de la passerelle et l’a refusée. Recommencez depuis l’accueil.",
)
_UNREACHABLE = HumanWords(
    "La passerelle ne répond pas",
    "{application} ne connaît pas vos mots de passe : sans la passerelle, personne ne peut entrer. Réessayez dans un instant.",
)
_STALE = HumanWords(
    "Cette connexion n’est plus en cours",
    "Elle a déjà abouti, a été commencée dans un autre navigateur, ou est trop ancienne. Recommencez depuis l’accueil.",
)
_OTHER = HumanWords("La connexion n’a pas abouti", "La passerelle a répondu par une erreur inattendue.")


def in_human_words(failure: SignInFailed, application: str) -> HumanWords:
    words = _words(failure)
    return HumanWords(words.title.format(application=application), words.explanation.format(application=application))


def _words(failure: SignInFailed) -> HumanWords:
    if failure.code == "unknown_state":
        return _STALE
    if isinstance(failure, ProviderUnreachable):
        return _UNREACHABLE
    if isinstance(failure, ProviderError):
        return _GATEWAY_ERRORS.get(failure.code, _OTHER)
    return _REFUSED
