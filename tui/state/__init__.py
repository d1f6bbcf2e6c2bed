"""What is asked and looked at, and the answer to it: values with verbs, no widgets."""
