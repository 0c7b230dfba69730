import ApusEngine
import Dispatch
import Foundation
import Testing

@Suite struct MailboxTests {
  @Test func messagesComeInOrder() {
    let mailbox = Mailbox<Int>()
    for number in 1...3 { mailbox.post(number) }
    mailbox.wait()
    #expect(mailbox.drain() == [1, 2, 3])
    #expect(mailbox.drain() == [])
  }

  /// A message whose signal has ended a wait with a limit is not waited for once more.
  @Test func aMessageEndsEveryWait() {
    let mailbox = Mailbox<Int>()
    mailbox.post(1)
    mailbox.wait(limit: 10)
    let waited = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      mailbox.wait()
      waited.signal()
    }
    #expect(waited.wait(timeout: .now() + 10) == .success)
    #expect(mailbox.drain() == [1])
    mailbox.post(2)  // ends the thread if it still waits
  }
}
