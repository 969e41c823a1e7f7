"""Messages the hub makes itself: readings that are still held when their time comes, and devices that went silent."""
