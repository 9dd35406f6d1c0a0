"""Queue: people judge cases one at a time, by keyboard."""
