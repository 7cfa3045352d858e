"""What a call would meet on its way in, looked at before anybody calls."""
