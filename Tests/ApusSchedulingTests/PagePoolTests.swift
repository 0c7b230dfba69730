import ApusScheduling
import Testing

@Suite(.serialized) struct PagePoolTests {
  @Test func givesEachPageOnce() {
    var pool = PagePool(pageCount: 3)
    let pages = (0..<4).map { _ in pool.allocate() }
    #expect(pages == [0, 1, 2, nil])
    #expect(pool.freeCount == 0)
    pool.release(1)
    #expect(pool.usedCount == 2)
    #expect(pool.allocate() == 1)
  }

  @Test func knowsWhichPagesWereNeverUsed() {
    var pool = PagePool(pageCount: 4)
    #expect(pool.everUsedCount == 0)
    _ = (pool.allocate(), pool.allocate())
    pool.release(1)
    pool.release(0)
    #expect(pool.everUsedCount == 2)
    _ = pool.allocate()
    #expect(pool.everUsedCount == 2)
  }
}
