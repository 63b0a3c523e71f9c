"""A preparation that goes wrong; `ENTRAIN_TEST_FAULT` says how."""

import os
import signal
import sys
import time

from entrain.vdevice.hrtf.preparation import worker

fault = os.environ["ENTRAIN_TEST_FAULT"]
if fault == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
elif fault == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
elif fault == "hangs":
    time.sleep(60)
elif fault == "fails":
    raise RuntimeError(fault)
elif fault == "garbage":
    print("{not json")
elif fault == "chatter":
    sys.stdout.write("[" * (2 << 20))
elif fault == "memory":
    worker.limit()
    bytearray(worker.MAX_MEMORY_BYTES)
elif fault == "busy":
    worker.MAX_CPU_S = 1
    worker.limit()
    while True:
        pass
elif fault == "nothing-written":
    print('{"facts": {}, "directions": 8, "notes": []}')
