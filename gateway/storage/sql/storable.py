"""What neither engine can hold in a text, NUL and lone surrogates, becomes U+FFFD: a hostile user name finds nobody, and
a hostile value in a journal line does not stop the journal."""

import re
from typing import overload

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
def storable(text: str | None) -> str | None:
    return None if text is None else _UNSTORABLE.sub("\ufffd", text)
