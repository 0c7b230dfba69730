import Dispatch
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// One HTTP request that the calling thread waits for; redirects are answered, not followed.
///
/// The session's queue only posts events; head and body are handled on the caller's thread.
final class HubTransfer: NSObject, URLSessionDataDelegate, Sendable {
  private enum Event: Sendable {
    case head(HTTPURLResponse)
    case body([UInt8])
    case end(reason: String?)
  }

  private let events = Mutex<[Event]>([])
  private let signal = DispatchSemaphore(value: 0)

  /// Seconds without a byte before a transfer is given up.
  private static let timeout: TimeInterval = 30

  /// Throws `HubError.unreachable` when the connection fails, and what the closures throw.
  static func run(
    _ request: URLRequest, head: (HTTPURLResponse) throws -> Void = { _ in },
    body: ([UInt8]) throws -> Void = { _ in }
  ) throws {
    let transfer = HubTransfer()
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = timeout
    configuration.timeoutIntervalForResource = 7 * 24 * 3600
    let session = URLSession(configuration: configuration, delegate: transfer, delegateQueue: nil)
    let task = session.dataTask(with: request)
    defer { session.invalidateAndCancel() }
    task.resume()
    while true {
      transfer.signal.wait()
      switch transfer.events.withLock({ $0.removeFirst() }) {
      case .head(let response): try head(response)
      case .body(let bytes): try body(bytes)
      case .end(let reason?):
        throw HubError.unreachable(
          endpoint: request.url?.absoluteString ?? "the hub", reason: reason)
      case .end(nil): return
      }
    }
  }

  private func post(_ event: Event) {
    events.withLock { $0.append(event) }
    signal.signal()
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    if let response = response as? HTTPURLResponse { post(.head(response)) }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    post(.body(Array(data)))
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    post(.end(reason: error?.localizedDescription))
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }
}
