"""The headless verbs as data: names and what each answers. The module `tui.cli.NAME` does the work of each."""

VERBS = {
    "estimate": "one candidate, in full",
    "rank": "the leaderboard",
    "recommend": "up to five machines with one accelerator and five with several, by hourly price",
    "compare": "saved sessions side by side",
    "model": "parameters, KV cache and state of one or many models",
    "accuracy": "predicted against measured",
    "catalog": "list, show ID, check [FILE], refresh prices or models",
    "command": "the launch command of the engine",
    "sweep": "every combination of some options, as JSON lines, on all cores",
    "plan": "replicas by hour, price mix and monthly cost for a load",
    "breakeven": "against an API price, other terms, or buying",
    "mcp": "a server for assistants, over standard input and output",
    "serve": "the TUI in a browser, loopback only",
}
