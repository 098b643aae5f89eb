watch /var/other
