"""The embedded local account: MiniStack, pinned, in its own process on the loopback interface, and what it lacks.

`server` starts and finds the process; everything else here runs inside it. `extend` puts the additions into MiniStack;
the modules named after services hold what MiniStack 1.5.33 lacks of each, so that whatever a template sets can be read
back through the service's own API.
"""

MINISTACK_VERSION = "1.5.33"
ACCOUNT_ID = "111122223333"
