"""What a state-changing request must show (WEB-03, SES-12), before and after sign-in alike.

A form token made for this browser and this form, and, when the browser says where the form was, that it was ours. Our pages
send no referrer, and browsers then write `Origin: null` on a form: that is only believed beside `Sec-Fetch-Site:
same-origin`, which a page cannot forge.
"""

import base64
import hmac
from collections.abc import Callable

FIELD = "form_token"
HEADER = "X-Form-Token"


def form_token(form_mac: Callable[[bytes], bytes], browser: str, purpose: str) -> str:
    """`form_mac` is HMAC-SHA-256 under the form key; `browser` the pre-session cookie; `purpose` names one form."""
    cookie = browser.encode()
    message = len(cookie).to_bytes(4, "big") + cookie + purpose.encode()
    return base64.urlsafe_b64encode(form_mac(message)).rstrip(b"=").decode("ascii")


def is_form_token(unverified_token: str, form_mac: Callable[[bytes], bytes], browser: str, purpose: str) -> bool:
    expected = form_token(form_mac, browser, purpose)
    return hmac.compare_digest(unverified_token.encode("utf-8", "surrogatepass"), expected.encode())


def is_from_our_pages(fetch_site: str | None, origin: str | None, public_origin: str) -> bool:
    """`fetch_site` and `origin` as the browser sent them, None when it did not."""
    if fetch_site not in {None, "same-origin", "none"}:
        return False
    if origin == "null":
        return fetch_site == "same-origin"
    return origin in {None, public_origin}
