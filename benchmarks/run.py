"""Run every measurement, from the start to a whole model. Ratios compare runs of one machine."""

from __future__ import annotations

import first_frame
import key_to_paint
import lean
import listing
import whole_model


def main() -> None:
    """Print the tables. Counting comes last: it imports large libraries into this process."""
    first_frame.main()
    listing.main()
    lean.main()
    key_to_paint.main()
    whole_model.main()
    import counting

    counting.main()


if __name__ == "__main__":
    main()
