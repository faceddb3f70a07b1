"""Run every measurement, from the start to a whole model. Ratios compare runs of one machine."""

from __future__ import annotations

import first_frame
import key_to_paint
import lean
import listing
import screens
import table_keys
import whole_model


def main() -> None:
    """Print the tables. Those that import large libraries into this process come last."""
    first_frame.main()
    listing.main()
    lean.main()
    key_to_paint.main()
    screens.main()
    table_keys.main()
    whole_model.main()
    import comparing
    import counting
    import scaling

    comparing.main()
    counting.main()
    scaling.main()


if __name__ == "__main__":
    main()
