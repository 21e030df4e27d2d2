"""A template for python3-dbusmock: a systemd without an init system.

The parameters give the units by their names: `start` and `stop` are command lines. What `start` prints is the number of
the main process. Both run beside the bus, as the jobs of systemd do. `properties` and `service` replace properties of a
unit. No unit is known before it is loaded or running, as with systemd itself.
"""

import subprocess
import threading

import dbus
from dbusmock import mockobject
from gi.repository import GLib

BUS_NAME = 'org.freedesktop.systemd1'
MAIN_OBJ = '/org/freedesktop/systemd1'
MAIN_IFACE = BUS_NAME + '.Manager'
UNIT = BUS_NAME + '.Unit'
SERVICE = BUS_NAME + '.Service'
SYSTEM_BUS = True

RELATIONS = ['RequiredBy', 'RequisiteOf', 'BoundBy', 'ConsistsOf', 'PropagatesStopTo']


def load(mock, parameters):
    mock.recipes = parameters
    mock.loaded = set()
    mock.last_job = 0
    for number, (name, recipe) in enumerate(parameters.items()):
        own = {
            'Id': name,
            'LoadState': 'loaded',
            'ActiveState': 'inactive',
            'Transient': False,
            'CanStart': True,
            'CanStop': True,
            'Job': dbus.Struct((dbus.UInt32(0), dbus.ObjectPath('/')), signature='uo'),
            **{relation: dbus.Array([], signature='s') for relation in RELATIONS},
            **recipe.get('properties', {}),
        }
        mock.AddObject(path_of(mock, name), UNIT, own, [])
        service = {'MainPID': dbus.UInt32(0), 'ExecMainStatus': dbus.Int32(0), **recipe.get('service', {})}
        mockobject.objects[path_of(mock, name)].AddProperties(SERVICE, service)


def path_of(mock, name):
    return f'{MAIN_OBJ}/unit/number_{list(mock.recipes).index(name)}'


def known(mock, name):
    if name not in mock.recipes:
        raise dbus.exceptions.DBusException(f'Unit {name} not loaded.', name=BUS_NAME + '.NoSuchUnit')
    return mockobject.objects[path_of(mock, name)]


def run_job(mock, name, act, during, after):
    """Runs the command of a job, and sets the states that systemd shows during and after it."""
    unit = known(mock, name)
    mock.last_job += 1
    number = mock.last_job
    job = f'{MAIN_OBJ}/job/{number}'
    idle = dbus.Struct((dbus.UInt32(0), dbus.ObjectPath('/')), signature='uo')
    busy = dbus.Struct((dbus.UInt32(number), dbus.ObjectPath(job)), signature='uo')
    unit.props[UNIT].update({'ActiveState': during, 'Job': busy})

    def finish(result):
        pid = int(result.stdout.strip() or 0) if act == 'start' and result.returncode == 0 else 0
        failed = result.returncode != 0
        unit.props[SERVICE].update({'MainPID': dbus.UInt32(pid)})
        unit.props[UNIT].update({'ActiveState': 'failed' if failed else after, 'Job': idle})
        return False

    def work():
        result = subprocess.run(mock.recipes[name][act], stdout=subprocess.PIPE, text=True)
        GLib.idle_add(finish, result)

    threading.Thread(target=work, daemon=True).start()
    return dbus.ObjectPath(job)


@dbus.service.method(MAIN_IFACE, in_signature='s', out_signature='o')
def GetUnit(self, name):
    unit = known(self, name)
    if name not in self.loaded and unit.Get(UNIT, 'ActiveState') == 'inactive':
        raise dbus.exceptions.DBusException(f'Unit {name} not loaded.', name=BUS_NAME + '.NoSuchUnit')
    return dbus.ObjectPath(path_of(self, name))


@dbus.service.method(MAIN_IFACE, in_signature='s', out_signature='o')
def LoadUnit(self, name):
    known(self, name)
    self.loaded.add(str(name))
    return dbus.ObjectPath(path_of(self, name))


@dbus.service.method(MAIN_IFACE, in_signature='ss', out_signature='o')
def StopUnit(self, name, mode):
    assert mode == 'replace'
    return run_job(self, name, 'stop', 'deactivating', 'inactive')


@dbus.service.method(MAIN_IFACE, in_signature='ss', out_signature='o')
def StartUnit(self, name, mode):
    assert mode == 'replace'
    if known(self, name).Get(UNIT, 'ActiveState') == 'active':
        return dbus.ObjectPath(f'{MAIN_OBJ}/job/0')
    return run_job(self, name, 'start', 'activating', 'active')
