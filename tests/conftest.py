"""The suite starts processes and sends them a terminal's signals: it must not matter how it was started itself.

In the background of a shell without job control, or under nohup, SIGINT and SIGHUP are ignored, and every child
inherits that: `ar` would rightly leave them ignored.
"""

import signal

for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
