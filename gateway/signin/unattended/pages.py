"""The dispatcher of the journey when nobody sits in front of it: the transaction is settled, then goes its usual way."""

from werkzeug.wrappers import Response

from gateway.signin.pages import JourneyPages
from gateway.signin.unattended.signin import UnattendedSignin


class UnattendedPages(JourneyPages):
    unattended: UnattendedSignin

    def dispatch(self, handle: str) -> Response:
        self.unattended.settled(self.found(handle), self.context())
        return super().dispatch(handle)
