"""The shell every page shares: language, security headers, form tokens, cookies, errors, templates, static files.

It is built with plain values and knows no room. A room adds its templates with `add_templates` and renders with `page`;
it reads a submitted form with `form`, which refuses one that is not ours (WEB-03) before anything is decided.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

import flask
import jinja2
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from gateway.randomness import Randomness, opaque
from gateway.refusal import Refusal
from gateway.web import cookies, csrf, error_pages, request_facts
from gateway.web.assets import PREFIX, Assets
from gateway.web.request_facts import RequestFacts
from gateway.web.security_headers import connect_target, form_target, is_nameable, security_headers
from gateway.web.translations import DEFAULT, Translations, accepted, clock, language_of

BODY_LIMIT = 64 * 1024
MAX_FIELDS = 50
LONGEST_QUERY_KEPT = 200
ACCESSIBILITY = "/accessibilite"
"""Where our own declaration stands."""

_TEMPLATES = Path(__file__).parent / "templates"
_log = logging.getLogger("gateway.web")


@dataclass(frozen=True, slots=True)
class TenantDisplay:
    """What pages say of the tenant: `service` and `contact_hours` by language ("fr", "en"); `contact_phone` is E.164;
    addresses of legal texts are ours (a path) or https; a line without an address is not shown. `accessibility_url` is
    the organisation's own declaration, or ours."""

    service: Mapping[str, str]
    contact_name: str
    contact_email: str | None = None
    contact_phone: str | None = None
    contact_hours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    terms_url: str | None = None
    accessibility_url: str = ACCESSIBILITY
    privacy_url: str | None = None


def _readable(phone: str, language: str) -> str:
    """A French number as people write it; another one as it is."""
    if not (phone.startswith("+33") and len(phone) == 12 and phone[1:].isdecimal()):
        return phone
    pairs = " ".join(phone[start : start + 2] for start in range(4, 12, 2))
    return f"0{phone[3]} {pairs}" if language == "fr" else f"+33 {phone[3]} {pairs}"


class Shell:
    """`public_origin` is `https://host[:port]`; `form_mac` is HMAC-SHA-256 under the form key; `trusted_proxies` are the
    networks whose `X-Forwarded-For` counts; `unavailable` the exceptions that mean a store does not answer; `post` gives the
    declared network of an address, and how a post is known to be shared by it or by the cookie that says so."""

    def __init__(
        self,
        *,
        public_origin: str,
        tenant: TenantDisplay,
        form_mac: Callable[[bytes], bytes],
        randomness: Randomness,
        trusted_proxies: Sequence[str] = (),
        hsts: bool = True,
        unavailable: tuple[type[Exception], ...] = (),
        post: Callable[[str, str | None], tuple[str | None, str | None]] = lambda _address, _mark: (None, None),
    ) -> None:
        self.public_origin = public_origin
        self.tenant = tenant
        self.translations = Translations()
        self._form_mac = form_mac
        self._randomness = randomness
        self._trusted = request_facts.networks(trusted_proxies)
        self._hsts = hsts
        self._unavailable = unavailable
        self._post = post
        self._assets = Assets()
        self._rooms: dict[str, jinja2.BaseLoader] = {}
        self._jinja = jinja2.Environment(
            loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(_TEMPLATES), jinja2.PrefixLoader(self._rooms)]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.globals["asset"] = self._assets.address

    # ── installation ──

    def install(self, app: flask.Flask) -> None:
        app.url_map.merge_slashes = False
        app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
        app.config["MAX_FORM_MEMORY_SIZE"] = BODY_LIMIT
        app.config["MAX_FORM_PARTS"] = MAX_FIELDS
        app.config["PROPAGATE_EXCEPTIONS"] = False
        app.config["TRAP_HTTP_EXCEPTIONS"] = False
        app.add_url_rule(f"{PREFIX}<name>", "shell.asset", self._asset)
        app.before_request(self._no_rewriting)
        app.before_request(self._readable_query)
        app.after_request(self._finish)
        error_pages.install(app, self, self._unavailable)

    def door(self, blueprints: Iterable[flask.Blueprint]) -> flask.Flask:
        """The people's door: one WSGI application made of these pages."""
        app = flask.Flask("passerelle", static_folder=None, template_folder=None)
        self.install(app)
        for blueprint in blueprints:
            app.register_blueprint(blueprint)
        return app

    def add_templates(self, room: str, folder: Path) -> None:
        """Templates of a room are named `<room>/<file>`."""
        self._rooms[room] = jinja2.FileSystemLoader(folder)

    # ── the request ──

    def facts(self) -> RequestFacts:
        if "facts" not in flask.g:
            request = flask.request
            ip = request_facts.peer_address(
                request.remote_addr or "", request.headers.getlist("X-Forwarded-For"), self._trusted
            )
            place, shared = self._post(ip, request.cookies.get(cookies.POST))
            flask.g.facts = RequestFacts(
                ip=ip,
                user_agent=request_facts.agent_hash(request.headers.get("User-Agent", "")),
                incident=request_facts.incident_number(self._randomness),
                language=self.language(),
                place=place,
                shared=shared,
            )
        facts: RequestFacts = flask.g.facts
        return facts

    def language(self, hint: str | None = None) -> str:
        """The last thing said wins: `ui_locales` of this address, then the cookie it left, then `hint` (what the
        application asked when the journey began), then the browser's own languages; French otherwise."""
        request = flask.request
        cookie = request.cookies.get(cookies.LANGUAGE)
        wishes = [*self._asked_language(), *([cookie] if cookie else []), *(hint or "").split()]
        return language_of([*wishes, *accepted(request.headers.get("Accept-Language", ""))]) or DEFAULT

    def browser(self) -> str:
        """The pre-session cookie of this browser, made when it has none: forms and login transactions are bound to it."""
        known = self.known_browser()
        if known is None:
            known = opaque(self._randomness)
            flask.g.new_browser = known
        return known

    def another_browser(self) -> str:
        """A new pre-session cookie for the next person: what was begun in other tabs is out of reach."""
        flask.g.new_browser = opaque(self._randomness)
        return str(flask.g.new_browser)

    def known_browser(self) -> str | None:
        made: str | None = flask.g.get("new_browser")
        return made or cookies.browser_value(flask.request.cookies.get(cookies.BROWSER))

    def form_token(self, purpose: str) -> str:
        return csrf.form_token(self._form_mac, self.browser(), purpose)

    def form(self, purpose: str) -> dict[str, str]:
        """The fields of a form that one of our pages gave to this very browser for `purpose`; raises otherwise."""
        request = flask.request
        self._from_our_pages()
        fields: dict[str, str] = {}
        for name, values in request.form.lists():
            if len(values) != 1 or len(fields) >= MAX_FIELDS or "\0" in name + values[0]:
                raise error_pages.MalformedFormError
            fields[name] = values[0]
        self._given_to_this_browser(fields.pop(csrf.FIELD, ""), purpose)
        return fields

    def call(self, purpose: str) -> bytes:
        """The JSON body of a call that a script of our pages makes, with the form token of `purpose` in a header that no
        other site can send (WEB-03); raises otherwise."""
        request = flask.request
        self._from_our_pages()
        if request.mimetype != "application/json":
            raise error_pages.MalformedFormError
        self._given_to_this_browser(request.headers.get(csrf.HEADER, ""), purpose)
        return request.get_data(cache=False)

    def _from_our_pages(self) -> None:
        headers = flask.request.headers
        if not csrf.is_from_our_pages(headers.get("Sec-Fetch-Site"), headers.get("Origin"), self.public_origin):
            raise error_pages.FormRefusedError

    def _given_to_this_browser(self, token: str, purpose: str) -> None:
        browser = self.known_browser()
        if browser is None or not csrf.is_form_token(token, self._form_mac, browser, purpose):
            raise error_pages.FormRefusedError

    # ── the response ──

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        redirect_uris: Iterable[str] = (),
        bridges: Iterable[str] = (),
        language_hint: str | None = None,
        **values: Any,
    ) -> Response:
        """Renders a template. `redirect_uris` are the registered addresses where a form of this page may end, `bridges` the
        loopback ports that its script may call."""
        language = self.language(language_hint)
        flask.g.form_targets = [form_target(uri) for uri in redirect_uris if is_nameable(uri)]
        flask.g.connect_targets = [connect_target(bridge) for bridge in bridges]
        html = self._jinja.get_template(template).render(
            language=language,
            t=lambda key, **named: self.translations.say(language, key, **named),
            duration=lambda seconds: self.translations.duration(language, seconds),
            moment=lambda at: self.translations.moment(language, at),
            clock=clock,
            form_token=self.form_token,
            nonce=self._nonce(),
            tenant=self.tenant,
            service=self._in(language, self.tenant.service),
            hours=self._in(language, self.tenant.contact_hours),
            phone=_readable(self.tenant.contact_phone or "", language),
            switchable=flask.request.method in {"GET", "HEAD"} and status < 400,
            here=flask.request.path,
            in_language=self._here(),
            declared_here=self.tenant.accessibility_url == ACCESSIBILITY,
            **values,
        )
        return Response(html, status=status, content_type="text/html; charset=utf-8")

    def message(self, key: str, *, status: int = 200, **values: Any) -> Response:
        """A page that only says something: `<key>.title`, `<key>.text`; `way_out=(address, text key)` adds a button."""
        language = self.language(values.get("language_hint"))
        values = {"way_out": None, "tone": "info", "application": None, **values}
        return self.page(
            "message.html",
            status=status,
            title=self.translations.say(language, f"{key}.title"),
            text=self.translations.say(language, f"{key}.text"),
            **values,
        )

    def error_page(self, status: int, key: str, reason: str | None = None) -> Response:
        return self.page("error.html", status=status, key=key, reason=reason, incident=self.facts().incident)

    def refusal_text(self, refusal: Refusal, language_hint: str | None = None) -> str:
        """The public text of a refusal, in the person's language."""
        language = self.language(language_hint)
        try:
            return self.translations.say(language, refusal.text, **refusal.facts)
        except (KeyError, IndexError):
            _log.warning("no text for the refusal %s (%s)", refusal.code, refusal.text)
            return self.translations.say(language, "refusal.generic")

    @staticmethod
    def see_other(address: str) -> Response:
        """303: after a form, the browser asks for the next page with GET."""
        return Response(status=303, headers={"Location": address})

    @staticmethod
    def signed_out(response: Response) -> Response:
        """The browser forgets the session, what was begun in other tabs and a link under way: the next person here is not
        the one who leaves. Also what it kept of our pages; never "cookies" nor "storage", which would wipe its trusted
        key (and, on localhost, the neighbours of the demo)."""
        for name in (cookies.SESSION, cookies.BROWSER, cookies.LINK):
            if name != cookies.BROWSER or "new_browser" not in flask.g:
                cookies.forget(response, name)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    # ── inside ──

    @staticmethod
    def _in(language: str, texts: Mapping[str, str]) -> str:
        return texts.get(language) or texts.get(DEFAULT, "")

    @staticmethod
    def _asked_language() -> list[str]:
        # Read leniently: error pages need a language too, whatever the bytes of the query.
        query = flask.request.query_string[:4096].decode("utf-8", "replace")
        return next((value for name, value in parse_qsl(query) if name == "ui_locales"), "")[:200].split()

    @staticmethod
    def _here() -> str:
        """This address, up to the language that the switch adds; what a page says may stand in the rest of its query. A long
        one, such as an application's, is none of ours."""
        query = flask.request.query_string.decode("utf-8", "replace")
        said = parse_qsl(query, keep_blank_values=True) if len(query) <= LONGEST_QUERY_KEPT else []
        kept = urlencode([(name, value) for name, value in said if name != "ui_locales"])
        return f"{flask.request.path}?{kept}{'&' if kept else ''}"

    def _nonce(self) -> str:
        if "nonce" not in flask.g:
            flask.g.nonce = opaque(self._randomness, 16)
        nonce: str = flask.g.nonce
        return nonce

    @staticmethod
    def _no_rewriting() -> None:
        """An address that is nearly right is wrong: the framework's redirect would be built from the Host header (WEB-06)."""
        if isinstance(flask.request.routing_exception, RequestRedirect):
            raise NotFound

    @staticmethod
    def _readable_query() -> None:
        try:
            flask.request.query_string.decode("utf-8")
        except UnicodeDecodeError:
            raise BadRequest from None

    def _asset(self, name: str) -> Response:
        asset = self._assets.find(name)
        if asset is None:
            raise NotFound
        response = Response(asset.content, content_type=asset.media_type)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    def _finish(self, response: flask.Response) -> flask.Response:
        targets: list[str] = flask.g.get("form_targets", [])
        connections: list[str] = flask.g.get("connect_targets", [])
        for name, value in security_headers(self._nonce(), targets, connections, hsts=self._hsts).items():
            response.headers[name] = value
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        if made := flask.g.get("new_browser"):
            cookies.put(response, cookies.BROWSER, made)
        if flask.request.method == "GET" and (language := language_of(self._asked_language())):
            cookies.put(response, cookies.LANGUAGE, language, seconds=cookies.LONG)
        return response
