"""What is done about it: goals, étapes, plans kept by a Cité, agreements and the papers that go with them."""
