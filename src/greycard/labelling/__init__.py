"""Label images with the help of a probe: proposals, what to label next, how accurate it is, and when to stop."""
