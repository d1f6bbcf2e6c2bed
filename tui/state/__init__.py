"""The session, how it is looked at, and the answer to it: values with verbs, no widgets."""
