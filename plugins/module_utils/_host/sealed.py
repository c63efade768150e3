# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only way for secrets to a module: all in one string that Ansible neither logs nor shows.

Ansible writes a module's arguments to the host's journal. It hides those marked C(no_log), but inside a mapping it searches for the text of the
value, and does not find a text whose line breaks are escaped. That is how a certificate's key would get into the journal.
"""

from __future__ import annotations

import json
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .wishes import wish

Arguments = dict[str, t.Any]

#: The name of the option that carries the others.
CARRIER = "sealed"


def seal(arguments: Arguments, *names: str) -> Arguments:
    """The arguments for a module. Those named are empty, and the carrier has their values and the wish."""
    hidden = {name: arguments[name] for name in names if arguments.get(name)}
    shown = {name: value for name, value in arguments.items() if name not in hidden}
    empty: Arguments = {name: [] if isinstance(value, list) else {} for name, value in hidden.items() if isinstance(value, (list, dict))}
    # A value of the vault is decrypted only when it becomes text.
    return {**shown, **empty, CARRIER: json.dumps({"options": hidden, "wish": wish(arguments)}, default=str)}


class SealedModule(AnsibleModule):
    """A module whose action plugin seals some of its options. C(options) has all of them, and C(params) those that may be shown.

    C(wish) is the digest of all arguments of the action plugin.

    :param argument_spec: as in AnsibleModule; it includes the option C(sealed).
    """

    def __init__(self, argument_spec: Arguments, **more: t.Any) -> None:
        super().__init__(argument_spec=argument_spec, **more)
        carried = json.loads(self.params[CARRIER] or "{}")
        hidden = carried.get("options", {})
        self.wish: str = carried.get("wish", "")
        checked = ArgumentSpecValidator({name: argument_spec[name] for name in hidden}).validate(hidden)
        if checked.error_messages:
            self.fail_json(msg="; ".join(checked.error_messages))
        self.options: Arguments = {**self.params, **checked.validated_parameters}

    def exit_json(self, **result: t.Any) -> None:
        """End with a result. It has no difference if the task has C(diff: false): run with C(--diff), Ansible would print it nevertheless."""
        if not self._diff:
            result.pop("diff", None)
        super().exit_json(**result)
