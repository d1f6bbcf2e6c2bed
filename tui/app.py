"""The application: its pages, its themes, and what the commands do."""

import gc

from textual.events import Event, InputEvent, Key, Paste
from textual.screen import Screen

from tui.answering import AnsweringApp
from tui.commands.all import BY_ID
from tui.commands.bindings import bindings, command_elsewhere
from tui.commands.command import EVERYWHERE, key_name
from tui.draw import palette
from tui.screens.modal import Modal
from tui.screens.open import open_page
from tui.screens.page import Page
from tui.state.session import Session
from tui.state.view import next_weights
from tui.tabs import BASE

UNUSED = frozenset({"tab", "shift+tab"})
"""Keys that Textual binds to moving the focus, which has nowhere to go on a page of ours."""


class LlmCalc(AnsweringApp):
    """The app: the leaderboard, and at most one other page pushed over it."""

    TITLE = "llmcalc-tui"
    CSS_PATH = ["app.tcss", "screens/page.tcss", "screens/leaderboard.tcss"]  # noqa: RUF012
    BINDINGS = bindings(EVERYWHERE)
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (140, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-tall")]  # noqa: RUF012

    def get_default_screen(self) -> Screen[None]:
        return self._made(BASE)

    def on_mount(self) -> None:
        self.watch_suspensions()
        self.watch_signals(self.leave)
        if self.history.now.screen != BASE:
            self.action_page(self.history.now.screen)

    def on_ready(self) -> None:
        if not gc.isenabled():  # switched off before the imports; what is alive now lives as long as the app
            gc.freeze()
            gc.enable()
        self.call_after_refresh(self._settle_opening)

    def _settle_opening(self) -> None:
        """The answer in the place of the last frame, which is kept anew where it is another."""
        self.answer_opening()
        self.call_after_refresh(self.keep_frame)

    def keep_frame(self) -> None:
        """Keeps what the leaderboard draws, without what the last edit marked or said, for the next start."""
        page, answer = self.screen, self.answer
        if self.frame is None or answer is None or not isinstance(page, Page):
            return
        session = answer.session
        if page.NAME == BASE == session.screen and self.calculator.catalog.lists(session.scenario.model):
            drawings = page.drawings(answer._replace(before={}, problem=""))
            if drawings != self.opening:
                self.frame.write(*self.size, drawings)

    async def on_event(self, event: Event) -> None:
        """Takes away, at a key, the message before it; a key that does nothing here says so, once a page."""
        if self.answer is None and isinstance(event, InputEvent | Paste):
            self.answer_opening()
        if isinstance(event, Key) and not event.is_forwarded:
            self.unsay()
            complaint = self._idle_key(event.key)
            if complaint is not None:
                if complaint:
                    self.say(complaint)
                return
        await super().on_event(event)

    def _idle_key(self, key: str) -> str | None:
        """What to say of a key that does nothing here, empty where it was said before; None where it works."""
        if self.focused is not None or self.answer is None:
            return None
        page, task = self.screen, self.answer.session.task
        if isinstance(page, Modal):
            if page.hears(key):
                return None
            place, complaint = type(page).__name__, f"{key_name(key)} does nothing in this panel; esc closes it"
        elif isinstance(page, Page):
            if self._works_on(page, key, task):
                return None
            place, complaint = page.NAME, command_elsewhere(key, page.NAME, task, self.remapped)
        else:
            return None
        if (place, task, key) in self._said_keys:
            return ""
        self._said_keys.add((place, task, key))
        return complaint

    def _works_on(self, page: Page, key: str, task: str) -> bool:
        """Whether a key does something on a page, for that task."""
        active = page.active_bindings.get(key)
        command = BY_ID.get(active.binding.id or "") if active else None
        if command is not None:
            return command.task in ("", task)
        return active is not None and key not in UNUSED

    def action_edit(self, command: str) -> None:
        verb = BY_ID[command].do
        if callable(verb):
            self.edit(lambda answer: verb(answer.session))

    def action_weights(self) -> None:
        self.edit(next_weights)

    def action_undo(self) -> None:
        if self.history.past:
            self.show(self.history.undone())
        else:
            self.say("nothing to undo")

    def action_redo(self) -> None:
        if self.history.future:
            self.show(self.history.redone())
        else:
            self.say("nothing to redo")

    def action_page(self, name: str) -> None:
        with self.batch_update():
            if len(self.screen_stack) == 1 and name != BASE:
                self.push_screen(self._made(name))
            elif name == BASE and len(self.screen_stack) > 1:
                self.pop_screen()
            elif name != BASE:
                self.switch_screen(self._made(name))
        self.show(self.history.to(self._opening_page(name)))

    def _opening_page(self, name: str) -> Session:
        """The session on another page, which stays with the row that the leaderboard's cursor is on."""
        now, answer = self.history.now, self.answer
        if now.screen == BASE != name and answer is not None and answer.selected is not None:
            now = now.about(answer.selected.candidate.machine)
        return now.on_screen(name)

    def _made(self, name: str) -> Page:
        """The page of that name, made and bound when it is first opened."""
        if not self.is_screen_installed(name):
            page = open_page(name)
            page.set_reactive(Page.answer, self.answer)
            page.data_bind(AnsweringApp.answer)
            self.install_screen(page, name)
        made = self.get_screen(name)
        assert isinstance(made, Page)
        return made

    def action_close(self) -> None:
        """Goes back to the leaderboard; there, the column cursor is taken away, then the filter is cleared."""
        now = self.history.now
        if self.screen.name != BASE and len(self.screen_stack) > 1:
            self.action_page(BASE)
        else:
            self.show(self.history.to(now.at_column("") if now.column else now.filtered("")))

    def action_redraw(self) -> None:
        self.redraw()

    def action_theme(self) -> None:
        names = [each.name for each in palette.THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.ansi_color = self.current_theme.ansi

    def action_help(self) -> None:
        from tui.screens.help import Help

        page = self.screen
        if isinstance(page, Page) and self.answer:
            self.push_screen(Help(list(page.active_bindings.values()), self.answer, page.NAME))

    def action_palette(self) -> None:
        """Opens the command palette; a command runs on the page that it was opened from."""
        from tui.screens.palette import Palette, entries

        page = self.screen
        if self.answer is None or not isinstance(page, Page):
            return
        choices = entries(self.answer, page.NAME, self.calculator.catalog.regions, self.remapped)

        opened = Palette(choices)

        async def run(name: str | None) -> None:
            entry = opened.choices.get(name or "")
            if entry and entry.change:
                self.edit(entry.change)
            elif entry:
                await page.run_action(entry.action)

        self.push_screen(opened, run)

    def action_region(self) -> None:
        """Opens the regions, with the price of the selected row in each."""
        from tui.screens.region import ask

        if isinstance(self.screen, Page):
            ask(self.screen, self.calculator)

    def action_terms(self) -> None:
        """Opens the price terms of the selected row, side by side."""
        from tui.screens.terms import ask

        if isinstance(self.screen, Page):
            ask(self.screen)

    def action_presets(self) -> None:
        from tui.screens.presets import ask

        if isinstance(self.screen, Page):
            ask(self.screen)

    def action_reverse(self) -> None:
        """Opens the list of what runs on a machine, this one included."""
        from tui.screens.reverse import ask

        if isinstance(self.screen, Page):
            ask(self.screen, self.calculator)

    def action_save_as(self) -> None:
        from tui.screens.sessions import save_as

        if isinstance(self.screen, Page):
            save_as(self.screen)

    def action_open_session(self) -> None:
        from tui.screens.sessions import open_session

        if isinstance(self.screen, Page):
            open_session(self.screen, lambda: self.action_page(self.history.now.screen))

    def action_refresh_prices(self) -> None:
        """Asks AWS for prices in the background; what is written counts at once."""
        from tui.screens.refresh import RefreshPrices

        def take(written: bool | None) -> None:
            if written:
                from catalog.load import load

                self.answer_from(load())
                self.say("prices are those of today", refused=False)

        catalog = self.calculator.catalog
        self.push_screen(RefreshPrices(catalog, list(catalog.regions)), take)

    def action_model(self) -> None:
        from tui.screens.by_hand import ByHand
        from tui.screens.fetch import Fetch
        from tui.screens.models import BY_HAND, SIZE, ModelPicker

        def ask(name: str | None) -> None:
            if name == BY_HAND:
                self.push_screen(ByHand(), self.choose)
            elif name and (self.calculator.knows(name) or SIZE.fullmatch(name)):
                self.choose(name)
            elif name:
                self.push_screen(Fetch(name, self.calculator), self.choose)

        now = self.history.now
        self.push_screen(ModelPicker(self.calculator, now.scenario.model, now.used), ask)

    def choose(self, name: str | None) -> None:
        if name:
            from estimator.models.format_choice import starting_weights

            model = self.calculator.model(name)

            self.edit(
                lambda answer: answer.session.with_model(name).with_weights(
                    starting_weights(model, answer.session.scenario.weights)
                )
            )

    def action_help_quit(self) -> None:
        """What ctrl+c does: Textual's own hint, in our line."""
        self.say("q quits; the session is saved", refused=False)

    async def action_quit(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Ends the app with the session saved and the terminal as it was."""
        self.save()
        self.keep_frame()
        self.exit()
