import ApusScheduling
import Testing

@Suite struct PagePoolTests {
  @Test func takesAllOrNothing() {
    var pool = PagePool(pageCount: 3)
    #expect(pool.allocate(2) == [0, 1])
    #expect(pool.allocate(2) == nil)
    #expect(pool.freeCount == 1)
    #expect(pool.allocate(1) == [2])
  }

  @Test func sharedPagesAreFreedOnce() {
    var pool = PagePool(pageCount: 2)
    let pages = pool.allocate(2) ?? []
    #expect(pages.count == 2)
    pool.retain([pages[0]])
    #expect(pool.release(pages) == [pages[1]])
    #expect(pool.release([pages[0]]) == [pages[0]])
    #expect(pool.freeCount == 2)
  }
}
