"""What is known of serving engines and training stacks: policies, versions, and the constants of their speed."""
