# aidefleet profile
watch       /srv/app
watch       /etc/systemd/system/app@.service   # an instance of it
exclude     /srv/app/cache
exclude     /var/log/*.gz

permissions /var/log
permissions /root/.bash_history
permissions /home/*/.bash_history
