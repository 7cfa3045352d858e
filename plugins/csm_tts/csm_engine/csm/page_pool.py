"""Who owns which page of a paged KV cache: counts only, no tensors."""


class OutOfPagesError(Exception):
    """No page is free: refuse the call, or end another's."""


class PagePool:
    """Pages 1…count, each free or held by one sequence or several.

    Page 0 is nobody's: block tables name it where a sequence has no page, and padding rows of a
    batch write there.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError("a pool needs at least one page")
        self.count = count
        self._free = list(range(count, 0, -1))
        self._holders = [0] * (count + 1)

    @property
    def free(self) -> int:
        return len(self._free)

    def holders(self, page: int) -> int:
        return self._holders[page]

    def take(self, count: int) -> list[int]:
        """Pages for one holder. Raises OutOfPagesError, and takes none, when too few are free."""
        if count > len(self._free):
            raise OutOfPagesError(
                f"{count} pages wanted, {len(self._free)} of {self.count} are free"
            )
        pages = [self._free.pop() for _ in range(count)]
        for page in pages:
            self._holders[page] = 1
        return pages

    def share(self, pages: list[int]) -> None:
        """One more holder for each."""
        for page in pages:
            if self._holders[page] < 1:
                raise ValueError(f"page {page} is free: it cannot be shared")
        for page in pages:
            self._holders[page] += 1

    def release(self, pages: list[int]) -> None:
        """One holder less for each; a page without holders is free."""
        for page in pages:
            if self._holders[page] < 1:
                raise ValueError(f"page {page} is free already")
            self._holders[page] -= 1
            if not self._holders[page]:
                self._free.append(page)
