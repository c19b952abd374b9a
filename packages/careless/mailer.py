import careless


def send(host, port, ca_file, user=None):
    careless.send(host, port, user)
