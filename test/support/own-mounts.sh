#!/bin/sh
# Node.js in a mount namespace of its own. It stays the process that was started, so its channel to the parent stays too.
exec unshare --mount --propagation private -- node "$@"
