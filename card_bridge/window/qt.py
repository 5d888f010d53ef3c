"""The window drawn with Qt: the only file that knows the toolkit.

One calm column: who asks and why, the card, the code. Every control has a name and every change is announced to screen
readers. The code leaves its field the moment it is taken, and the field is emptied with every change; it cannot be copied,
dragged or completed (BRG-10). Texts are plain: nothing that comes from a card or a page is ever read as markup.
"""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QPointF, QRectF, QRegularExpression, QSocketNotifier, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QCloseEvent,
    QColor,
    QFont,
    QFontInfo,
    QIcon,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegularExpressionValidator,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from card_bridge.ports import Actions, Demand, View
from card_bridge.window.scenes import Scene, Tone
from card_bridge.window.texts import LAST_WORDS, scene_for

INK, QUIET, PAPER, SHEET, LINE, EDGE = "#18292b", "#51605f", "#f5f3ec", "#ffffff", "#dfdcd0", "#7c8a88"
FIR, FIR_DEEP, MIST, LAMP, ALARM = "#14534f", "#0d3c39", "#e9f1ee", "#b4560c", "#9a2613"
TONES = {Tone.WAITING: EDGE, Tone.READY: FIR, Tone.WARNING: LAMP, Tone.ALARM: ALARM}
FAMILIES = ["Segoe UI", "SF Pro Text", "Noto Sans", "Liberation Sans", "Sans Serif"]
WIDTH = 460
USUAL_TEXT_PIXELS = 13
READING_MILLISECONDS = 30_000
STYLE = f"""
QDialog {{ background: {PAPER}; }}
QLabel {{ color: {INK}; font-size: @14px; }}
QFrame#sheet {{ background: {SHEET}; border: 1px solid {LINE}; border-radius: @14px; }}
QFrame#asker {{ background: {MIST}; border-radius: @10px; }}
QLabel#title {{ font-size: @21px; font-weight: 600; }}
QLabel[quiet="true"] {{ color: {QUIET}; font-size: @13px; }}
QLabel#origin {{ font-size: @17px; font-weight: 600; color: {FIR_DEEP}; }}
QLabel#state, QLabel#holder {{ font-size: @15px; font-weight: 600; }}
QLabel#code-caption {{ font-weight: 600; }}
QLabel#notice {{ background: #fdf3e3; color: #7d3c08; border: 1px solid #ecd3a8; border-radius: @8px; padding: @9px @12px; }}
QLabel#alarm {{ background: #fcf0ec; color: {ALARM}; border: 1px solid #ecc8bf; border-radius: @8px; padding: @9px @12px;
  font-weight: 600; }}
QLineEdit {{ background: {SHEET}; color: {INK}; border: 1px solid {EDGE}; border-radius: @8px; padding: @7px @13px;
  font-size: @24px; selection-background-color: {FIR}; selection-color: #ffffff; }}
QLineEdit:focus {{ border: 2px solid {FIR}; padding: @6px @12px; }}
QPushButton {{ border-radius: @8px; padding: @9px @20px; font-size: @15px; font-weight: 600; min-height: @22px; }}
QPushButton#cancel {{ background: {SHEET}; color: {FIR}; border: 1px solid {EDGE}; }}
QPushButton#cancel:hover {{ background: {MIST}; }}
QPushButton#proceed {{ background: {FIR}; color: #ffffff; border: 1px solid {FIR}; }}
QPushButton#proceed:hover {{ background: {FIR_DEEP}; }}
QPushButton#proceed:disabled {{ background: #e6e9e6; color: #66736f; border-color: #e6e9e6; }}
QPushButton#cancel:focus, QPushButton#proceed:focus {{ border: 3px solid {LAMP}; padding: @7px @18px; }}
"""


class QtWindow(QObject):  # type: ignore[misc]
    """A `Window`: may be called from any thread, and draws in the thread of the application."""

    _opened = Signal(object, object)
    _shown = Signal(object)
    _closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._dialog: _Dialog | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self._opened.connect(self._open, queued)
        self._shown.connect(self._show, queued)
        self._closed.connect(self._close, queued)

    def open(self, demand: Demand, actions: Actions) -> None:
        self._opened.emit(demand, actions)

    def show(self, view: View) -> None:
        self._shown.emit(view)

    def close(self) -> None:
        self._closed.emit()

    def _open(self, demand: Demand, actions: Actions) -> None:
        self._drop()
        self._dialog = _Dialog(demand, actions)

    def _show(self, view: View) -> None:
        if self._dialog is not None:
            self._dialog.show_view(view)

    def _close(self) -> None:
        """Last words that a person must be able to read stay, without a field, until they are closed or replaced."""
        if self._dialog is not None and not self._dialog.stays_to_be_read():
            self._drop()

    def _drop(self) -> None:
        if self._dialog is not None:
            self._dialog.leave()
            self._dialog.deleteLater()
            self._dialog = None


class _Dialog(QDialog):  # type: ignore[misc]
    def __init__(self, demand: Demand, actions: Actions) -> None:
        super().__init__(
            None, Qt.WindowType.Dialog | Qt.WindowType.WindowStaysOnTopHint | Qt.WindowType.WindowCloseButtonHint
        )
        self._demand = demand
        self._actions: Actions | None = actions
        self._view: View | None = None
        self._scale = max(1.0, QFontInfo(QApplication.font()).pixelSize() / USUAL_TEXT_PIXELS)
        font = QFont(QApplication.font())
        font.setFamilies(FAMILIES)
        self.setFont(font)
        self.setStyleSheet(_scaled_style(self._scale))
        self._title = self._label("title", wraps=True)
        self._origin_caption = self._label("origin-caption", quiet=True)
        self._origin = self._label("origin", wraps=True)
        self._purpose = self._label("purpose", wraps=True)
        self._glyph = _CardGlyph(round(40 * self._scale))
        self._state = self._label("state", wraps=True)
        self._detail = self._label("detail", quiet=True, wraps=True)
        self._holder_caption = self._label("holder-caption", quiet=True)
        self._holder = self._label("holder", wraps=True)
        self._card = self._label("card", quiet=True)
        self._alarm = self._label("alarm", wraps=True)
        self._notice = self._label("notice", wraps=True)
        self._code_caption = self._label("code-caption")
        self._code = _code_field()
        self._code.setParent(self)
        self._tries = self._label("tries")
        self._promise = self._label("promise", quiet=True, wraps=True)
        self._cancel = QPushButton(self)
        self._cancel.setObjectName("cancel")
        self._proceed = QPushButton(self)
        self._proceed.setObjectName("proceed")
        self._code_caption.setBuddy(self._code)
        self._cancel.clicked.connect(self.reject)
        self._proceed.clicked.connect(self._go_on)
        self._code.textChanged.connect(self._code_changed)
        self._arrange()

    def _label(self, name: str, *, quiet: bool = False, wraps: bool = False) -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setProperty("quiet", quiet)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(wraps)
        return label

    def _arrange(self) -> None:
        px = self._scale
        asker = QFrame(self)
        asker.setObjectName("asker")
        who = _column(asker, round(3 * px), (16, 13, 16, 13), px)
        for label in (self._origin_caption, self._origin, self._purpose):
            who.addWidget(label)
        card_row = QHBoxLayout()
        card_row.setSpacing(round(14 * px))
        card_row.addWidget(self._glyph, 0, Qt.AlignmentFlag.AlignTop)
        said = QVBoxLayout()
        said.setSpacing(round(2 * px))
        said.addWidget(self._state)
        said.addWidget(self._detail)
        card_row.addLayout(said, 1)
        self._holder_block = QFrame(self)
        held = _column(self._holder_block, round(1 * px), (0, 0, 0, 0), px)
        for label in (self._holder_caption, self._holder, self._card):
            held.addWidget(label)
        self._code_block = QFrame(self)
        asked = _column(self._code_block, round(6 * px), (0, 0, 0, 0), px)
        captions = QHBoxLayout()
        captions.addWidget(self._code_caption, 1)
        captions.addWidget(self._tries)
        asked.addLayout(captions)
        asked.addWidget(self._code)
        buttons = QHBoxLayout()
        buttons.setSpacing(round(12 * px))
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._proceed)
        sheet = QFrame(self)
        sheet.setObjectName("sheet")
        column = _column(sheet, round(16 * px), (28, 26, 28, 24), px)
        column.addWidget(self._title)
        column.addWidget(asker)
        column.addLayout(card_row)
        for widget in (self._holder_block, self._alarm, self._notice, self._code_block, self._promise):
            column.addWidget(widget)
        column.addSpacing(round(2 * px))
        column.addLayout(buttons)
        outside = _column(self, 0, (18, 18, 18, 18), px)
        outside.addWidget(sheet)
        self.setFixedWidth(round(WIDTH * px))

    # --- what the bridge says ---

    def show_view(self, view: View) -> None:
        first = self._view is None
        self._view = view
        scene = scene_for(self._demand, view)
        self._code.clear()
        self._draw(scene)
        self.setFixedHeight(self.layout().totalHeightForWidth(self.width()))
        if first:
            self.show()
            self.raise_()
            self.activateWindow()
            QApplication.alert(self)
        self._give_focus(scene)
        self._announce(scene)

    def stays_to_be_read(self) -> bool:
        """Whether the bridge's last view is for the person; it then stays half a minute at most."""
        if self._view is None or self._view.state not in LAST_WORDS or self.isHidden():
            return False
        self._actions = None
        self._draw(scene_for(self._demand, self._view, over=True))
        QTimer.singleShot(READING_MILLISECONDS, self, self.leave)
        return True

    def leave(self) -> None:
        self._actions = None
        self._code.clear()
        self.hide()

    def _draw(self, scene: Scene) -> None:
        self.setWindowTitle(f"{scene.title} – {scene.origin}")
        self.setAccessibleName(f"{scene.title} – {scene.origin}")
        self._glyph.show_tone(scene.tone)
        for label, text in (
            (self._title, scene.title),
            (self._origin_caption, scene.origin_caption),
            (self._origin, scene.origin),
            (self._purpose, scene.purpose),
            (self._state, scene.state),
            (self._detail, scene.state_detail),
            (self._holder_caption, scene.holder_caption),
            (self._holder, scene.holder),
            (self._card, scene.card),
            (self._alarm, scene.alarm),
            (self._notice, scene.notice),
            (self._code_caption, scene.code_caption),
            (self._tries, scene.tries),
            (self._promise, scene.promise),
        ):
            label.setText(text)
            label.setVisible(bool(text))
        self._origin.setText(scene.origin.replace(".", ".\u200b"))  # a long name breaks at its dots, never out of sight
        self._origin.setAccessibleName(scene.origin)
        self._holder_block.setVisible(bool(scene.holder or scene.card))
        self._holder_caption.setVisible(bool(scene.holder))
        self._code_block.setVisible(scene.asks_code)
        self._code.setEnabled(scene.asks_code)
        self._code.setAccessibleName(scene.code_caption)
        self._code.setAccessibleDescription(scene.tries)
        self._cancel.setText(scene.cancel)
        self._proceed.setText(scene.proceed)
        self._proceed.setVisible(bool(scene.proceed))
        self._proceed.setEnabled(bool(scene.proceed) and not scene.asks_code)

    def _give_focus(self, scene: Scene) -> None:
        """Into the field when a code is asked; otherwise on the button that changes nothing."""
        (self._code if scene.asks_code else self._cancel).setFocus()
        self._proceed.setDefault(scene.asks_code)
        self._cancel.setDefault(not scene.asks_code)

    def _announce(self, scene: Scene) -> None:
        event = QAccessibleAnnouncementEvent(self, scene.spoken)
        event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)

    # --- what the person does ---

    def _code_changed(self, typed: str) -> None:
        self._proceed.setEnabled(len(typed) == CODE_DIGITS or not self._code.isVisible())

    def _go_on(self) -> None:
        if self._actions is None:
            return
        self._proceed.setEnabled(False)
        if self._code.isVisible():
            typed = self._code.text()
            self._code.clear()
            self._actions.code(typed)
        else:
            self._actions.confirm()

    def reject(self) -> None:
        """The cancel button, Escape, or the window's cross."""
        actions, self._actions = self._actions, None
        self._code.clear()
        if actions is not None:
            actions.cancel()
        self.hide()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 -- Qt's name
        self.reject()
        event.accept()


CODE_DIGITS = 4


def _code_field() -> QLineEdit:
    field = QLineEdit()
    field.setObjectName("code")
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setMaxLength(CODE_DIGITS)
    field.setValidator(QRegularExpressionValidator(QRegularExpression(f"[0-9]{{0,{CODE_DIGITS}}}"), field))
    field.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
    field.setDragEnabled(False)
    field.setAcceptDrops(False)
    field.setAlignment(Qt.AlignmentFlag.AlignCenter)
    hints = Qt.InputMethodHint
    field.setInputMethodHints(
        hints.ImhHiddenText | hints.ImhSensitiveData | hints.ImhNoPredictiveText | hints.ImhDigitsOnly
    )
    font = QFont(field.font())
    font.setFamilies(FAMILIES)
    font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 12)
    field.setFont(font)
    return field


def _column(parent: QWidget, spacing: int, margins: tuple[int, int, int, int], scale: float) -> QVBoxLayout:
    column = QVBoxLayout(parent)
    column.setSpacing(spacing)
    column.setContentsMargins(*(round(margin * scale) for margin in margins))
    return column


def _scaled_style(scale: float) -> str:
    """Sizes follow the size of text that the person chose for the whole machine."""
    first, *others = STYLE.split("@")
    sized = [first]
    for part in others:
        number, rest = part.split("px", 1)
        sized.append(f"{round(int(number) * scale)}px{rest}")
    return "".join(sized)


class _CardGlyph(QWidget):  # type: ignore[misc]
    """A small card with its chip, in the colour of its state; the words beside it say the same."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.setFixedSize(side, side)
        self._tone = Tone.WAITING

    def show_tone(self, tone: Tone) -> None:
        self._tone = tone
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 -- Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_card(painter, self.width(), QColor(TONES[self._tone]), filled=self._tone is Tone.READY)
        painter.end()


def _paint_card(painter: QPainter, side: int, colour: QColor, *, filled: bool) -> None:
    unit = side / 40
    outline = QRectF(2 * unit, 8 * unit, 36 * unit, 24 * unit)
    painter.setPen(QPen(colour, 2 * unit))
    painter.setBrush(colour if filled else QColor(SHEET))
    painter.drawRoundedRect(outline, 4 * unit, 4 * unit)
    chip = QColor("#f0b866") if filled else colour
    painter.setPen(QPen(chip, 1.6 * unit))
    painter.setBrush(chip if filled else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(8 * unit, 15 * unit, 9 * unit, 8 * unit), 1.6 * unit, 1.6 * unit)
    painter.setPen(QPen(QColor("#ffffff") if filled else colour, 1.8 * unit, c=Qt.PenCapStyle.RoundCap))
    painter.drawLine(QPointF(23 * unit, 17 * unit), QPointF(32 * unit, 17 * unit))
    painter.drawLine(QPointF(23 * unit, 22 * unit), QPointF(29 * unit, 22 * unit))


def _icon() -> QIcon:
    picture = QPixmap(64, 64)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_card(painter, 64, QColor(FIR), filled=True)
    painter.end()
    return QIcon(picture)


class Application:
    """Qt's event loop, in the main thread, until `stop` or a signal of the system."""

    def __init__(self) -> None:
        self._qt = QApplication([sys.argv[0]])
        self._qt.setApplicationName("passerelle-bridge")
        self._qt.setApplicationDisplayName("Passerelle")
        self._qt.setDesktopFileName("passerelle-bridge")
        self._qt.setStyle("Fusion")
        self._qt.setQuitOnLastWindowClosed(False)
        self._qt.setWindowIcon(_icon())
        self.window = QtWindow()

    def run(self) -> None:
        with self._ends_on_signals():
            self._qt.exec()

    @contextmanager
    def _ends_on_signals(self) -> Iterator[None]:
        """Python sees a signal only between two of its own instructions: the system's wake-up byte brings Qt back to it."""
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        notifier = QSocketNotifier(reading.fileno(), QSocketNotifier.Type.Read)
        notifier.activated.connect(lambda: reading.recv(64))
        before = signal.set_wakeup_fd(writing.fileno())
        asked = (signal.SIGINT, signal.SIGTERM)
        handlers = {number: signal.signal(number, lambda *_: self._qt.quit()) for number in asked}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)
            notifier.setEnabled(False)
            reading.close()
            writing.close()
