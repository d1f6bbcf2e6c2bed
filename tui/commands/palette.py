"""The command palette: every command that works on the page it was opened from."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.commands.all import commands_at
from tui.commands.command import EVERYWHERE, Command, key_name, keys_of


class CommandProvider(Provider):
    """Commands by title, with their help and key."""

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.title, partial(self.app.run_action, command.action), help=self._help(command))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.title), 0.6 * matcher.match(command.help))
            if score > 0:
                run = partial(self.app.run_action, command.action)
                yield Hit(score, matcher.highlight(command.title), run, help=self._help(command))

    def _commands(self) -> list[Command]:
        places = (getattr(self.screen, "NAME", ""), EVERYWHERE)
        return [each for place in places for each in commands_at(place) if each.id != "palette"]

    def _help(self, command: Command) -> str:
        keys = keys_of(command, getattr(self.app, "remapped", {}))
        return f"{' '.join(map(key_name, keys))} · {command.help}"
