"""What the robot's messages mean."""
