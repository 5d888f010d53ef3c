"""What a screen reader would know, run by the system's Python (Debian's `gi`): one question per line in, one JSON line out.

`tree`: everything shown on the desktop, in order; `press NAME`: the button of that name. Announcements since the last question
come with each answer.
"""

import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402 -- after the version is chosen

announced = []


def shown(node):
    states = node.get_state_set()
    if node.get_role() != Atspi.Role.APPLICATION and not states.contains(Atspi.StateType.SHOWING):
        return
    text = node.get_text_iface()
    yield {
        "role": node.get_role_name(),
        "name": node.get_name() or "",
        "description": node.get_description() or "",
        "text": Atspi.Text.get_text(node, 0, -1) if text else "",
        "focused": states.contains(Atspi.StateType.FOCUSED),
        "focusable": states.contains(Atspi.StateType.FOCUSABLE),
        "enabled": states.contains(Atspi.StateType.ENABLED),
    }
    for at in range(node.get_child_count()):
        child = node.get_child_at_index(at)
        if child is not None:
            yield from shown(child)


def all_nodes(node):
    yield node
    for at in range(node.get_child_count()):
        child = node.get_child_at_index(at)
        if child is not None:
            yield from all_nodes(child)


def tree():
    desktop = Atspi.get_desktop(0)
    desktop.clear_cache()
    found = []
    for at in range(desktop.get_child_count()):
        application = desktop.get_child_at_index(at)
        if application is not None:
            application.clear_cache()
            found += list(shown(application))
    return found


def press(name):
    desktop = Atspi.get_desktop(0)
    for node in all_nodes(desktop):
        if node.get_name() == name and node.get_role() == Atspi.Role.PUSH_BUTTON:
            return bool(Atspi.Action.do_action(node, 0))
    return False


def answer(channel, _condition):
    line = channel.readline()
    if not line:
        loop.quit()
        return False
    question, _, argument = line.rstrip("\n").partition(" ")
    try:
        said = press(argument) if question == "press" else tree()
    except GLib.Error:  # a window that closes while it is read
        said = None
    print(json.dumps({"said": said, "announced": announced[:]}), flush=True)
    announced.clear()
    return True


def heard(event):
    announced.append(str(event.any_data))


Atspi.init()
listener = Atspi.EventListener.new(heard)
listener.register("object:announcement")
loop = GLib.MainLoop()
GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, answer)
print(json.dumps({"ready": True}), flush=True)
loop.run()
