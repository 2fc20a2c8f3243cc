"""The persons accompanied: who they are, how to reach them, where they live, who may be the same."""
