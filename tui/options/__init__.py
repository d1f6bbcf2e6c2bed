"""Every input of a scenario, declared once, for the form, the command line and the session file alike."""
