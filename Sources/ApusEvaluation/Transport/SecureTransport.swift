import Foundation
import NIOCore
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// HTTP over TLS by Foundation's client, whose times are a little less exact: they are taken on the queue of its
/// delegate.
final class SecureTransport: NSObject, URLSessionDataDelegate, Transport, Sendable {
  private struct State {
    var session: URLSession?
    var receivers: [Int: any ExchangeReceiver] = [:]
  }

  private let address: ServerAddress
  private let state = Mutex(State())

  init(_ address: ServerAddress, timeout: Double) {
    self.address = address
    super.init()
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpMaximumConnectionsPerHost = 1 << 20
    configuration.timeoutIntervalForRequest = timeout
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    let queue = OperationQueue()
    queue.maxConcurrentOperationCount = 1
    let session = URLSession(configuration: configuration, delegate: self, delegateQueue: queue)
    state.withLock { $0.session = session }
  }

  func send(
    _ request: OutgoingRequest, to receiver: any ExchangeReceiver
  ) -> @Sendable () -> Void {
    let text = "https://\(address.authority)\(request.path)"
    guard let url = URL(string: text), let session = state.withLock({ $0.session }) else {
      receiver.failed(.unreachable(text), at: monotonicTime())
      return {}
    }
    var message = URLRequest(url: url)
    message.httpMethod = request.method
    for (name, value) in request.headers { message.setValue(value, forHTTPHeaderField: name) }
    if request.body.readableBytes > 0 { message.httpBody = Data(request.body.readableBytesView) }
    let task = session.dataTask(with: message)
    state.withLock { $0.receivers[task.taskIdentifier] = receiver }
    task.resume()
    return { task.cancel() }
  }

  func shutdown() async {
    state.withLock { state in
      state.session?.invalidateAndCancel()
      state.session = nil
    }
  }

  private func receiver(of task: URLSessionTask) -> (any ExchangeReceiver)? {
    state.withLock { $0.receivers[task.taskIdentifier] }
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    if let response = response as? HTTPURLResponse {
      receiver(of: dataTask)?.responded(
        status: response.statusCode,
        contentType: response.value(forHTTPHeaderField: "Content-Type") ?? "")
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    receiver(of: dataTask)?.received(ByteBuffer(bytes: data), at: monotonicTime())
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    let receiver = state.withLock { $0.receivers.removeValue(forKey: task.taskIdentifier) }
    if let error {
      receiver?.failed(failure(error), at: monotonicTime())
    } else {
      receiver?.ended(at: monotonicTime())
    }
  }

  private func failure(_ error: any Error) -> LoadFailure {
    switch (error as? URLError)?.code {
    case .cannotConnectToHost: .refused(address.authority)
    case .networkConnectionLost: .reset
    default: .unreachable(error.localizedDescription)
    }
  }
}
