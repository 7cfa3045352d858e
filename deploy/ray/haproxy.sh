#!/bin/sh
# HAProxy as Ray Serve starts it, but for its metrics and its statistics, which would listen on all
# interfaces.
set -eu
before=
for word in "$@"; do
    if [ "$before" = -f ]; then
        sed -i -e '/^frontend prometheus/,/^frontend http/ s/^\( *bind \):/\1127.0.0.1:/' \
            -e '/^listen stats/,$ s/^\( *bind \)\*:/\1127.0.0.1:/' "$word"
    fi
    before=$word
done
exec "$PARLEY_HAPROXY" "$@"
