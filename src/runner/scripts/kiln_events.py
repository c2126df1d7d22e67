"""Callback plugin of Ansible that says what goes on as JSON, one object a line; the runner reads it."""

DOCUMENTATION = """
name: kiln_events
type: stdout
short_description: Events as JSON
description: Says what goes on as JSON objects, one a line.
author: Kiln
"""

import json

from ansible.plugins.callback import CallbackBase

MAX_CHARS = 4000


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'kiln_events'

    def say(self, event, **words):
        print(json.dumps({'event': event, **words}), flush=True)

    def v2_playbook_on_play_start(self, play):
        self.say('play', name=play.get_name().strip())

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.say('task', name=task.get_name().strip(), place=task.get_path() or '', module=task.action)

    def v2_playbook_on_handler_task_start(self, task):
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result):
        self.say('result', state='changed' if result.result.get('changed') else 'ok')

    def v2_runner_on_skipped(self, result):
        self.say('result', state='skipped')

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.say('result', state='ignored' if ignore_errors else 'failed', message=message_of(result.result))

    def v2_runner_on_unreachable(self, result):
        self.say('result', state='failed', message=message_of(result.result))


def message_of(result):
    """What a module says of its failure; nothing of a task that is not to be logged."""
    if result.get('_ansible_no_log'):
        return 'the task has no_log, so its output is not shown'
    items = [each for each in result.get('results', []) if each.get('failed')]
    if items:
        return message_of(items[0])
    words = [str(result.get(name) or '').strip() for name in ('msg', 'stderr', 'module_stderr')]
    return '\n'.join(dict.fromkeys(each for each in words if each))[:MAX_CHARS]
