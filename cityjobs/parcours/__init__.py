"""A person's pathway in a Cité: how it was spotted, where it stands, who is the référent."""
