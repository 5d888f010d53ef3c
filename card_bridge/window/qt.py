"""The window drawn with Qt: the only file that knows the toolkit.

One calm column: who asks and why, the card, the code. Every control has a name and every change is announced to screen
readers. The code leaves the field the moment it is taken and the field is emptied with every change of scene; it cannot
be copied, dragged, or completed (BRG-10).
"""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QRegularExpression, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QCloseEvent,
    QColor,
    QFont,
    QIcon,
    QKeySequence,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegularExpressionValidator,
)
from PySide6.QtWidgets import QApplication, QDialog, QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from card_bridge.window.scenes import Scene, Tone

INK, QUIET, PAPER, CARD, LINE, EDGE = "#18292b", "#51605f", "#f5f3ec", "#ffffff", "#dfdcd0", "#7c8a88"
FIR, FIR_DEEP, MIST, LAMP, LAMP_PAPER, ALARM, ALARM_PAPER = (
    "#14534f",
    "#0d3c39",
    "#e9f1ee",
    "#8f430a",
    "#fdf3e3",
    "#9a2613",
    "#fcf0ec",
)
TONES = {Tone.WAITING: EDGE, Tone.READY: FIR, Tone.WARNING: "#b4560c", Tone.ALARM: ALARM}
FAMILIES = ["Segoe UI", "SF Pro Text", "Noto Sans", "Liberation Sans", "Sans Serif"]
CODE_DIGITS = 4
STYLE = f"""
QDialog {{ background: {PAPER}; }}
QLabel {{ color: {INK}; background: transparent; }}
QFrame#sheet {{ background: {CARD}; border: 1px solid {LINE}; border-radius: 14px; }}
QFrame#asker {{ background: {MIST}; border-radius: 10px; }}
QLabel#title {{ font-size: 21px; font-weight: 650; }}
QLabel#caption, QLabel#detail, QLabel#promise {{ color: {QUIET}; font-size: 13px; }}
QLabel#origin {{ font-size: 16px; font-weight: 650; color: {FIR_DEEP}; }}
QLabel#purpose, QLabel#tries {{ font-size: 14px; }}
QLabel#state, QLabel#holder {{ font-size: 15px; font-weight: 600; }}
QLabel#codeCaption {{ font-size: 14px; font-weight: 600; }}
QLabel#notice {{ background: {LAMP_PAPER}; color: {LAMP}; border: 1px solid #ecd3a8; border-radius: 8px; padding: 10px 12px; font-size: 14px; }}
QLabel#alarm {{ background: {ALARM_PAPER}; color: {ALARM}; border: 1px solid #ecc8bf; border-radius: 8px; padding: 10px 12px; font-size: 14px; }}
QLineEdit {{ background: {CARD}; color: {INK}; border: 1px solid {EDGE}; border-radius: 8px; padding: 8px 14px; font-size: 24px;
  letter-spacing: 10px; selection-background-color: {FIR}; }}
QLineEdit:focus {{ border: 2px solid {FIR}; padding: 7px 13px; }}
QPushButton {{ border-radius: 8px; padding: 10px 20px; font-size: 15px; font-weight: 600; min-height: 22px; }}
QPushButton#cancel {{ background: {CARD}; color: {FIR}; border: 1px solid {EDGE}; }}
QPushButton#cancel:hover {{ background: {MIST}; }}
QPushButton#proceed {{ background: {FIR}; color: #ffffff; border: 1px solid {FIR}; }}
QPushButton#proceed:hover {{ background: {FIR_DEEP}; }}
QPushButton#proceed:disabled {{ background: #e4e7e4; color: #6b7877; border-color: #e4e7e4; }}
QPushButton:focus {{ outline: none; border: 2px solid #b4560c; padding: 9px 19px; }}
"""
